import{a as o}from"./chunk-USZYR4N3.js";import"./chunk-CWWERRZJ.js";import"./chunk-4AG3AM64.js";import"./chunk-NI5DBVH7.js";import"./chunk-6PM4OBU2.js";export{o as media};
