import{Aa as o}from"./chunk-PBOIHIZD.js";export{o as msgpack};
