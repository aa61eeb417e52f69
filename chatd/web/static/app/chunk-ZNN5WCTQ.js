import{s as i}from"./chunk-22K2INXT.js";import{X as n,ca as r,da as e,k as o}from"./chunk-J3FXM4R5.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
