import{a as o}from"./chunk-RE5NKJW6.js";import"./chunk-P6VQLSQ3.js";import"./chunk-4AG3AM64.js";import"./chunk-XXIMTEXS.js";import"./chunk-D7SCWAZY.js";export{o as media};
