import{Ca as o}from"./chunk-RCRFMHGQ.js";export{o as msgpack};
