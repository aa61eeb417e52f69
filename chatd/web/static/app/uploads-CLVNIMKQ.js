import{a as o}from"./chunk-QHYSIME4.js";import"./chunk-OYZJ2AYJ.js";import"./chunk-4AG3AM64.js";import"./chunk-M5VUNNS2.js";import"./chunk-IX2WAR2B.js";export{o as media};
