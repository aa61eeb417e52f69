import{a as o,b as r,c as m}from"./chunk-VRMZEA4G.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-HJJS5Y5P.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
