import{ya as o}from"./chunk-P5YMZIH3.js";export{o as msgpack};
