import{a as o,b as r,c as m}from"./chunk-FIHV26MG.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-EMZWWD46.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
