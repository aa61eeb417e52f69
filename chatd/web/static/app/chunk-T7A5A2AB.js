import{r as i}from"./chunk-RGFOILDQ.js";import{X as n,ca as r,da as e,k as o}from"./chunk-IX2WAR2B.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
