import{a as o}from"./chunk-WYSJKV7L.js";import"./chunk-IX5J66HR.js";import"./chunk-OV4D4LZR.js";import"./chunk-G2UI45ZU.js";import"./chunk-2THJCJIM.js";export{o as joinRoom};
