import{Ca as o}from"./chunk-LZRMPJNH.js";export{o as msgpack};
