import{Hb as o}from"./chunk-BVE52PYC.js";function e(i="",a=""){o(async()=>(await import("./search_dialog-ZLTYOUGH.js")).SearchDialog,{room:i,text:a})}export{e as a};
