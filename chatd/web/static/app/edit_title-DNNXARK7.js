import{a as o,b as r,c as m}from"./chunk-KX4VPYR5.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-4RDBYHYV.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
