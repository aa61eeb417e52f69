import{_ as o}from"./chunk-V5XG72L3.js";export{o as msgpack};
