import{ka as o}from"./chunk-OURJ2QGV.js";export{o as msgpack};
