import{Eb as e,Va as r}from"./chunk-UNPK4VXF.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
