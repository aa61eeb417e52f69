import{a as o}from"./chunk-H5HH2BQX.js";import"./chunk-N67YVLUZ.js";import"./chunk-4AG3AM64.js";import"./chunk-X3HHQ7ZY.js";import"./chunk-P5YMZIH3.js";export{o as media};
