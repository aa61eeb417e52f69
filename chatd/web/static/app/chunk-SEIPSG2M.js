import{y as i}from"./chunk-B6FQDXJR.js";import{S as n,Z as r,_ as e,k as o}from"./chunk-D6NMFDNS.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
