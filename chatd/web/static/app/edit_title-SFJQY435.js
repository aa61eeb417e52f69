import{a as o,b as r,c as m}from"./chunk-AJ5LYGBM.js";import"./chunk-YI7N6Z7T.js";import"./chunk-5BUGJ5TA.js";import"./chunk-PZITFO3Y.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
