import{W as o}from"./chunk-DZ5MG4SS.js";export{o as msgpack};
