import{Gb as o}from"./chunk-RC55TD2F.js";function t(i=""){o(async()=>(await import("./list_dialog-7ATFAN3X.js")).LaterDialog,{room:i})}export{t as a};
