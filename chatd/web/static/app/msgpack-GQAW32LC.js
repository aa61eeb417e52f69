import{$ as o}from"./chunk-EMZWWD46.js";export{o as msgpack};
