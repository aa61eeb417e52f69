import{la as o}from"./chunk-D7SCWAZY.js";export{o as msgpack};
