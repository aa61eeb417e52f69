import{ka as o}from"./chunk-WAVFMWFT.js";export{o as msgpack};
