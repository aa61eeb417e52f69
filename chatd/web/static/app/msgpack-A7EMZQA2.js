import{ha as o}from"./chunk-UNPK4VXF.js";export{o as msgpack};
