import{la as o}from"./chunk-4RDBYHYV.js";export{o as msgpack};
