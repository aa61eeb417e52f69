import{X as o}from"./chunk-UBNHRF2N.js";export{o as msgpack};
