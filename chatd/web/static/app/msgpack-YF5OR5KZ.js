import{Ca as o}from"./chunk-IX2WAR2B.js";export{o as msgpack};
