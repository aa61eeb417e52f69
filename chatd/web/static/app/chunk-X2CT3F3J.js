import{v as i}from"./chunk-IX5J66HR.js";import{X as n,ca as r,da as e,k as o}from"./chunk-2THJCJIM.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
