import{L as r,M as t,gb as n,la as s,mb as e}from"./chunk-7FZO4Z3S.js";var c=["all","mentions","none"];function P(){return n.value,r(e())}function u(o){s(()=>t(e(),o))}export{c as a,P as b,u as c};
