import{v as i}from"./chunk-FCZSBCGY.js";import{R as n,Y as r,Z as e,k as o}from"./chunk-2CUSTZAH.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
