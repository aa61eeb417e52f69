import{ob as o}from"./chunk-J3TDHKGS.js";export{o as msgpack};
