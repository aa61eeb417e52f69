import{a as o,b as r,c as m}from"./chunk-6NP42IV6.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-DZ5MG4SS.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
