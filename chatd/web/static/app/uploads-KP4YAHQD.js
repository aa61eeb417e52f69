import{a as o}from"./chunk-D2FBWNSZ.js";import"./chunk-LZ72XLHT.js";import"./chunk-KEB6CXLZ.js";import"./chunk-OURJ2QGV.js";export{o as media};
