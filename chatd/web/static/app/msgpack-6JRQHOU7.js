import{W as o}from"./chunk-6DEP2QOF.js";export{o as msgpack};
