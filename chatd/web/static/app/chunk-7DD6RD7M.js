import{Kb as o}from"./chunk-2THJCJIM.js";function t(i=""){o(async()=>(await import("./list_dialog-F4OA7JJJ.js")).LaterDialog,{room:i})}export{t as a};
