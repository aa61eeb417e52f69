import{a as o}from"./chunk-2CIPA2WB.js";import"./chunk-ZEMZYTKO.js";import"./chunk-4AG3AM64.js";import"./chunk-AS777MWK.js";import"./chunk-K3ZAJCQC.js";export{o as media};
