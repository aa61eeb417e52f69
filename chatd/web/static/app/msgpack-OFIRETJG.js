import{W as o}from"./chunk-Y57GHAMG.js";export{o as msgpack};
