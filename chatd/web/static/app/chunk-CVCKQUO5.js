import{Ia as r,pb as e}from"./chunk-LJ2ARKO6.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
