import{Gb as o}from"./chunk-LZRMPJNH.js";function t(i=""){o(async()=>(await import("./list_dialog-KMXCTDYE.js")).LaterDialog,{room:i})}export{t as a};
