import{a as o}from"./chunk-IFAXLFI6.js";import"./chunk-Z5B6WUTT.js";import"./chunk-COFJROIA.js";import"./chunk-WUHPCFXA.js";import"./chunk-P5YMZIH3.js";export{o as joinRoom};
