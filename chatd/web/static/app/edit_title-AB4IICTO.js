import{a as o,b as r,c as m}from"./chunk-G4MGNPKT.js";import"./chunk-LMMJQNMI.js";import"./chunk-5BUGJ5TA.js";import"./chunk-GWVMPNH4.js";export{r as EditTitle,o as TITLE_MAX,m as TitleField};
