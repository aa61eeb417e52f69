import{a as o}from"./chunk-ZPWUFK4M.js";import"./chunk-KHR4DU2Z.js";import"./chunk-4AG3AM64.js";import"./chunk-XUFMGC4B.js";import"./chunk-RC55TD2F.js";export{o as media};
