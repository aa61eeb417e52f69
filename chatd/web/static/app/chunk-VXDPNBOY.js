import{$ as n,Ia as r,Pa as e,Qa as i,k as o}from"./chunk-J3TDHKGS.js";var s=o(()=>(r.value,e.value?[...n(i()).values()]:[]));export{s as a};
