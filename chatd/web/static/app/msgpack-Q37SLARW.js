import{W as o}from"./chunk-NUXY5BV4.js";export{o as msgpack};
