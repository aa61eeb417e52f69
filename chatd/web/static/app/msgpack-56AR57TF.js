import{W as o}from"./chunk-JOGNZQ7B.js";export{o as msgpack};
