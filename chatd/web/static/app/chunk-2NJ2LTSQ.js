import{r as i}from"./chunk-ASFU442N.js";import{X as n,ca as r,da as e,k as o}from"./chunk-6PM4OBU2.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
