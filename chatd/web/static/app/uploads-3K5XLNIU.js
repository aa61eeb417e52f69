import{a as o}from"./chunk-NPT4LZMN.js";import"./chunk-2TDM2REW.js";import"./chunk-4AG3AM64.js";import"./chunk-U6UD7NY5.js";import"./chunk-HJJS5Y5P.js";export{o as media};
