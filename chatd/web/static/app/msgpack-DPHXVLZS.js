import{W as o}from"./chunk-VGUKIIAR.js";export{o as msgpack};
