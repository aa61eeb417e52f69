import{Ca as o}from"./chunk-RC55TD2F.js";export{o as msgpack};
