import{a as o,b as r,c as m}from"./chunk-X6I6UFFP.js";import"./chunk-YI7N6Z7T.js";import"./chunk-5BUGJ5TA.js";import"./chunk-QKFPKW52.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
