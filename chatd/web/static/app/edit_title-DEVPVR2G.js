import{a as o,b as r,c as m}from"./chunk-R2XHNH7P.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-EFKNTS7C.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
