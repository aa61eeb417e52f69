import{Fb as o}from"./chunk-P5YMZIH3.js";function e(i="",a=""){o(async()=>(await import("./search_dialog-UGHN7JT3.js")).SearchDialog,{room:i,text:a})}export{e as a};
