import{C as r,D as e}from"./chunk-2THJCJIM.js";function t(){return e(r(Date.now(),crypto.getRandomValues(new Uint8Array(10))))}export{t as a};
