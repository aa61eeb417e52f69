import{la as o}from"./chunk-GWVMPNH4.js";export{o as msgpack};
