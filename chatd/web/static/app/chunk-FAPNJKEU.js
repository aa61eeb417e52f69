import{Ob as e,rb as r}from"./chunk-IX2WAR2B.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
