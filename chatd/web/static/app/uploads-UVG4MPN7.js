import{a as o}from"./chunk-UBYUXN7H.js";import"./chunk-5VGYCS4W.js";import"./chunk-4AG3AM64.js";import"./chunk-A5LGHZRR.js";import"./chunk-L22ZLU4Q.js";export{o as media};
