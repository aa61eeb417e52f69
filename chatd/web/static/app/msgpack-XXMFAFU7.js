import{$ as o}from"./chunk-LJ2ARKO6.js";export{o as msgpack};
