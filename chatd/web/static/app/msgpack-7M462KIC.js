import{Ca as o}from"./chunk-L22ZLU4Q.js";export{o as msgpack};
