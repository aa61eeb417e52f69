import{I as r,Ia as n,J as t,W as s,da as e}from"./chunk-L22ZLU4Q.js";var c=["all","mentions","none"];function P(){return s.value,r(e())}function u(o){n(()=>t(e(),o))}export{c as a,P as b,u as c};
