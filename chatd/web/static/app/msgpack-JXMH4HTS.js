import{ya as o}from"./chunk-2CUSTZAH.js";export{o as msgpack};
