import{a as o}from"./chunk-HEGJOIWC.js";import"./chunk-OG4JK6WT.js";import"./chunk-4AG3AM64.js";import"./chunk-X4OQQA54.js";import"./chunk-BVE52PYC.js";export{o as media};
