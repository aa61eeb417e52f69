import{a as o}from"./chunk-BUWXSPXG.js";import"./chunk-5I4NFVPQ.js";import"./chunk-4AG3AM64.js";import"./chunk-T6TPPY7O.js";import"./chunk-UOEI3IBJ.js";export{o as media};
