import{a as o}from"./chunk-RCQJWSSX.js";import"./chunk-FCZSBCGY.js";import"./chunk-TW65DNLQ.js";import"./chunk-SMQRXHCG.js";import"./chunk-2CUSTZAH.js";export{o as joinRoom};
