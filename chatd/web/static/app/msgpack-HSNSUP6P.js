import{za as o}from"./chunk-D6NMFDNS.js";export{o as msgpack};
