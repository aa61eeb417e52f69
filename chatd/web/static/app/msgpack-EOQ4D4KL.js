import{la as o}from"./chunk-WZW35IH3.js";export{o as msgpack};
