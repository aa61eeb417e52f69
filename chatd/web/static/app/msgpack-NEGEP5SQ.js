import{la as o}from"./chunk-UOEI3IBJ.js";export{o as msgpack};
