import{a as o}from"./chunk-NJ46UGIY.js";import"./chunk-QIHSEM35.js";import"./chunk-4AG3AM64.js";import"./chunk-HHPDSEQ2.js";import"./chunk-J3TDHKGS.js";export{o as media};
