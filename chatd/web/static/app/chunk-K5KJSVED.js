import{w as i}from"./chunk-DQXU67UX.js";import{X as n,ca as r,da as e,k as o}from"./chunk-RC55TD2F.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
