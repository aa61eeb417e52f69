import{a as o,b as r,c as m}from"./chunk-U2GHHMB6.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-D7SCWAZY.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
