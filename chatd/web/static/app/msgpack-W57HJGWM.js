import{W as o}from"./chunk-I3IRGZU6.js";export{o as msgpack};
