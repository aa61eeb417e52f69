import{Fb as o}from"./chunk-P5YMZIH3.js";function t(i=""){o(async()=>(await import("./list_dialog-4A53XGJF.js")).LaterDialog,{room:i})}export{t as a};
