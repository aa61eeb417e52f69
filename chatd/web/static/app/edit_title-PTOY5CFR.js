import{a as o,b as r,c as m}from"./chunk-HLXEPJ7U.js";import"./chunk-B5E7VBCQ.js";import"./chunk-5BUGJ5TA.js";import"./chunk-EENFD4JN.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
