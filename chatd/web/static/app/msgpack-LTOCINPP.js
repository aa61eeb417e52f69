import{Ca as o}from"./chunk-6PM4OBU2.js";export{o as msgpack};
