import{a as o}from"./chunk-F3ZDIBUB.js";import"./chunk-7MO5D5SJ.js";import"./chunk-4AG3AM64.js";import"./chunk-2YF5W772.js";import"./chunk-2CUSTZAH.js";export{o as media};
