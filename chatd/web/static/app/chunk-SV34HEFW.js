import{Ha as r,ob as e}from"./chunk-GR7EYOCF.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
