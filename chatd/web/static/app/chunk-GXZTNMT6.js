import{Fb as o}from"./chunk-2CUSTZAH.js";function e(i="",a=""){o(async()=>(await import("./search_dialog-T55VN35P.js")).SearchDialog,{room:i,text:a})}export{e as a};
