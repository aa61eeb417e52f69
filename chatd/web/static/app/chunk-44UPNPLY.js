import{Ob as e,rb as r}from"./chunk-2CUSTZAH.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
