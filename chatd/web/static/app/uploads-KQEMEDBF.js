import{a as o}from"./chunk-YHFOF4NO.js";import"./chunk-FGYYGVT3.js";import"./chunk-4AG3AM64.js";import"./chunk-45Z6PSTR.js";import"./chunk-4RDBYHYV.js";export{o as media};
