import{Pb as e,sb as r}from"./chunk-LZRMPJNH.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
