import{Bc as e,ec as r}from"./chunk-J3TDHKGS.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
