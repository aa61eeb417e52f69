import{a as o}from"./chunk-WNNOOYO3.js";import"./chunk-DZEMDK5W.js";import"./chunk-4AG3AM64.js";import"./chunk-MJKXMCTH.js";import"./chunk-2THJCJIM.js";export{o as media};
