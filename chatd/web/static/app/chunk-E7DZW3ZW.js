import{C as r,D as e}from"./chunk-LZRMPJNH.js";function t(){return e(r(Date.now(),crypto.getRandomValues(new Uint8Array(10))))}export{t as a};
