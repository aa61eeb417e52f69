import{Pb as e,tb as r}from"./chunk-L22ZLU4Q.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
