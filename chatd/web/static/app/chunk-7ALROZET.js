import{N as r,O as t,mb as n,pa as s,tb as e}from"./chunk-UOEI3IBJ.js";var c=["all","mentions","none"];function P(){return n.value,r(e())}function u(o){s(()=>t(e(),o))}export{c as a,P as b,u as c};
