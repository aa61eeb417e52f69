import{a as o}from"./chunk-Z6QRZZRT.js";import"./chunk-EV4BQTWP.js";import"./chunk-GNFMUCDF.js";import"./chunk-WAVFMWFT.js";export{o as media};
