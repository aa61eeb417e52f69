import{ka as o}from"./chunk-EFKNTS7C.js";export{o as msgpack};
