import{a as o}from"./chunk-DTECZMD6.js";import"./chunk-E7BJEKMN.js";import"./chunk-4AG3AM64.js";import"./chunk-XI66WTHN.js";import"./chunk-J3FXM4R5.js";export{o as media};
