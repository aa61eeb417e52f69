import{y as i}from"./chunk-GQVBFOFY.js";import{S as n,Z as r,_ as e,k as o}from"./chunk-BVE52PYC.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
