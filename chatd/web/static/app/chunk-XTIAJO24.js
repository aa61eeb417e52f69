import{w as i}from"./chunk-3SQKFWHG.js";import{X as n,ca as r,da as e,k as o}from"./chunk-LZRMPJNH.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
