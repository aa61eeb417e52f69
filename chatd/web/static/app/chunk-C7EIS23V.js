import{Hb as o}from"./chunk-D6NMFDNS.js";function e(i="",a=""){o(async()=>(await import("./search_dialog-QWFHTYXZ.js")).SearchDialog,{room:i,text:a})}export{e as a};
