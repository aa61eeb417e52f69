import{a as o,b as r,c as m}from"./chunk-LTVWOR2F.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-UBNHRF2N.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
