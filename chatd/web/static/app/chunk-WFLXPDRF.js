import{Ba as r,gb as e}from"./chunk-NUXY5BV4.js";var n=a=>a.flatMap(o=>r.value.get(o)?.name??[]).join(e("names.separator"));export{n as a};
