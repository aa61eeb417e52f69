import{a as o,b as r,c as m}from"./chunk-YA4JTOH7.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-L22ZLU4Q.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
