import{ha as o}from"./chunk-7FZO4Z3S.js";export{o as msgpack};
