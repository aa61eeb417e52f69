import{a as o,b as r,c as m}from"./chunk-ESODBD45.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-7FZO4Z3S.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
