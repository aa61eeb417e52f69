import{Qb as e,tb as r}from"./chunk-BVE52PYC.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
