import{a as o}from"./chunk-L5JINQPB.js";import"./chunk-GGHORETR.js";import"./chunk-4AG3AM64.js";import"./chunk-4JAPFLXN.js";import"./chunk-WZW35IH3.js";export{o as media};
