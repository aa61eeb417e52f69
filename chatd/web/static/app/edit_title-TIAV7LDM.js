import{a as o,b as r,c as m}from"./chunk-RK6TP6HW.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-UNPK4VXF.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
