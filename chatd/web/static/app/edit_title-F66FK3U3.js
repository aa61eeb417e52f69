import{a as o,b as r,c as m}from"./chunk-3CK43NMC.js";import"./chunk-NDD5QA4B.js";import"./chunk-5BUGJ5TA.js";import"./chunk-WAVFMWFT.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
