import{a as o,b as r,c as m}from"./chunk-2KBH2DKF.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-6DEP2QOF.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
