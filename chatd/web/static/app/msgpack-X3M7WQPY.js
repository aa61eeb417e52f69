import{ha as o}from"./chunk-2VZMFNLU.js";export{o as msgpack};
