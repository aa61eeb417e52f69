import{r as i}from"./chunk-CLJB64GN.js";import{X as n,ca as r,da as e,k as o}from"./chunk-L22ZLU4Q.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
