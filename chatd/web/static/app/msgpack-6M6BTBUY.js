import{_ as o}from"./chunk-GR7EYOCF.js";export{o as msgpack};
