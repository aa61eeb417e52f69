import{la as o}from"./chunk-HJJS5Y5P.js";export{o as msgpack};
