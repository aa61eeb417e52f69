import{$a as r,Lb as e}from"./chunk-UOEI3IBJ.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
