import{a as o,b as r,c as m}from"./chunk-B5CHM7VL.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-K3ZAJCQC.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
