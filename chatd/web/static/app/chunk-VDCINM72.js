import{$a as r,Kb as e}from"./chunk-WZW35IH3.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
