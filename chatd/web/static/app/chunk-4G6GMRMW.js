import{Ob as e,rb as r}from"./chunk-P5YMZIH3.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
