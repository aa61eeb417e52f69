import{Ia as n,Qa as a,pa as o}from"./chunk-J3TDHKGS.js";function i(r=""){return n.value,[...o(a())].map(([e,t])=>({key:e,...t})).filter(e=>!r||e.room===r).sort((e,t)=>e.at-t.at)}export{i as a};
