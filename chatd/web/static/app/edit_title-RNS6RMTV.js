import{a as o,b as r,c as m}from"./chunk-PC3YYJ7P.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-V5XG72L3.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
