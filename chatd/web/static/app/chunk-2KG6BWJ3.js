import{v as i}from"./chunk-Z5B6WUTT.js";import{R as n,Y as r,Z as e,k as o}from"./chunk-P5YMZIH3.js";var s=o(()=>(n.value,r.value?[...i(e()).values()]:[]));export{s as a};
