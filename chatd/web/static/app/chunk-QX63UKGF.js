import{Jb as e,_a as r}from"./chunk-EFKNTS7C.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
