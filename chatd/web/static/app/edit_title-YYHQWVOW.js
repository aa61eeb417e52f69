import{a as o,b as r,c as m}from"./chunk-3Q5OFQ2E.js";import"./chunk-Q3AGAOWK.js";import"./chunk-5BUGJ5TA.js";import"./chunk-GR7EYOCF.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
