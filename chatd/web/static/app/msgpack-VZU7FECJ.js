import{za as o}from"./chunk-BVE52PYC.js";export{o as msgpack};
