import{sc as o}from"./chunk-J3TDHKGS.js";function e(i="",a=""){o(async()=>(await import("./search_dialog-ERXPHOGE.js")).SearchDialog,{room:i,text:a})}export{e as a};
