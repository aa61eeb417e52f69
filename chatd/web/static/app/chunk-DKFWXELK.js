import{M as r,N as t,lb as n,oa as s,rb as e}from"./chunk-EFKNTS7C.js";var c=["all","mentions","none"];function P(){return n.value,r(e())}function u(o){s(()=>t(e(),o))}export{c as a,P as b,u as c};
