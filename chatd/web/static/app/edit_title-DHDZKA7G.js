import{a as o,b as r,c as m}from"./chunk-3AZ4APSS.js";import"./chunk-NDD5QA4B.js";import"./chunk-5BUGJ5TA.js";import"./chunk-OURJ2QGV.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
