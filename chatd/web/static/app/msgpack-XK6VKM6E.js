import{Ca as o}from"./chunk-J3FXM4R5.js";export{o as msgpack};
