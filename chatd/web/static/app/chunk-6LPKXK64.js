import{Gb as o}from"./chunk-LZRMPJNH.js";function e(i="",a=""){o(async()=>(await import("./search_dialog-BNCOPIWO.js")).SearchDialog,{room:i,text:a})}export{e as a};
