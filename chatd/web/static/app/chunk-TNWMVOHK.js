import{r as i}from"./chunk-LYIVV6J4.js";import{X as n,ca as r,da as e,k as o}from"./chunk-RCRFMHGQ.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
