import{$a as r,Kb as e}from"./chunk-D7SCWAZY.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
