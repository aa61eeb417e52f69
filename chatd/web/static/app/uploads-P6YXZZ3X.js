import{a as o}from"./chunk-UP3GQHS3.js";import"./chunk-YKIMDQ44.js";import"./chunk-4AG3AM64.js";import"./chunk-SGBNBAHP.js";import"./chunk-D6NMFDNS.js";export{o as media};
