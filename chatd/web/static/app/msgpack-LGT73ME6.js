import{_ as o}from"./chunk-ABYUZVBF.js";export{o as msgpack};
