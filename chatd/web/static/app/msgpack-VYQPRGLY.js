import{X as o}from"./chunk-NSSSKX32.js";export{o as msgpack};
