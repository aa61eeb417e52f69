import{Tb as e,wb as r}from"./chunk-2THJCJIM.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
