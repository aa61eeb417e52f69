import{Ha as r,ob as e}from"./chunk-ABYUZVBF.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
