import{Da as o}from"./chunk-2THJCJIM.js";export{o as msgpack};
