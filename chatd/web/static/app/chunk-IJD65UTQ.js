import{sc as o}from"./chunk-J3TDHKGS.js";function t(i=""){o(async()=>(await import("./list_dialog-AEEUOCB5.js")).LaterDialog,{room:i})}export{t as a};
