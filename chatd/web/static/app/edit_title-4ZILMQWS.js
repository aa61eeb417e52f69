import{a as o,b as r,c as m}from"./chunk-O44ATBF7.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-QL5JUT2P.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
