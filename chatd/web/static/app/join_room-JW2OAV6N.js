import{a as o}from"./chunk-ZTMHUVP6.js";import"./chunk-OJAEYK4H.js";import"./chunk-J3TDHKGS.js";export{o as joinRoom};
