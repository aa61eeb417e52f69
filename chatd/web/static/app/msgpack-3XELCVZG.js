import{Aa as o}from"./chunk-STCMEB7Z.js";export{o as msgpack};
