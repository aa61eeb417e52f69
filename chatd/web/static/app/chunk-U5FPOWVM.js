import{C as r,D as e}from"./chunk-J3FXM4R5.js";function t(){return e(r(Date.now(),crypto.getRandomValues(new Uint8Array(10))))}export{t as a};
