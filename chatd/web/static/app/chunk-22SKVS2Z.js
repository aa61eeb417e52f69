import{Ca as r,hb as e}from"./chunk-UBNHRF2N.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
