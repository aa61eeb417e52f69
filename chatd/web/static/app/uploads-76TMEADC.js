import{a as o}from"./chunk-MU5MOYTK.js";import"./chunk-VB2J4W52.js";import"./chunk-4AG3AM64.js";import"./chunk-VSNR4NM4.js";import"./chunk-EFKNTS7C.js";export{o as media};
