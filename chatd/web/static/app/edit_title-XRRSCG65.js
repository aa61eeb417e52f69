import{a as o,b as r,c as m}from"./chunk-BVM3F2KK.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-LJ2ARKO6.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
