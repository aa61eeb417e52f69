import{a as o}from"./chunk-ZZQBAJBF.js";import"./chunk-P7IJMQSP.js";import"./chunk-4AG3AM64.js";import"./chunk-FZS5DPVR.js";import"./chunk-RCRFMHGQ.js";export{o as media};
