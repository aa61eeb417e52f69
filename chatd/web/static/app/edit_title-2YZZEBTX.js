import{a as o,b as r,c as m}from"./chunk-PMKNOTH6.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-WZW35IH3.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
