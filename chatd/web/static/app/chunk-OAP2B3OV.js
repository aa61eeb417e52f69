import{Ha as r,ob as e}from"./chunk-V5XG72L3.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
