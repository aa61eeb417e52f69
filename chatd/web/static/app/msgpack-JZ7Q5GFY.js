import{la as o}from"./chunk-K3ZAJCQC.js";export{o as msgpack};
