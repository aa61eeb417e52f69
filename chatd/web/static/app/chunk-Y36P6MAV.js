import{$a as r,Kb as e}from"./chunk-K3ZAJCQC.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
