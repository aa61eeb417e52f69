import{C as r,E as e}from"./chunk-BVE52PYC.js";function t(){return e(r(Date.now(),crypto.getRandomValues(new Uint8Array(10))))}export{t as a};
