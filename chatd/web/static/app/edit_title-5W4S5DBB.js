import{a as o,b as r,c as m}from"./chunk-W73FUNWE.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-UOEI3IBJ.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
