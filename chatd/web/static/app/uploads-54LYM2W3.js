import{a as o}from"./chunk-BOEEQDDR.js";import"./chunk-F5N3WCQK.js";import"./chunk-4AG3AM64.js";import"./chunk-GM3BV5WW.js";import"./chunk-GWVMPNH4.js";export{o as media};
