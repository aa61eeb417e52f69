import{Eb as e,Va as r}from"./chunk-7FZO4Z3S.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
