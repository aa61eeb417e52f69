import{Hb as o}from"./chunk-D6NMFDNS.js";function t(i=""){o(async()=>(await import("./list_dialog-FWWZKIOD.js")).LaterDialog,{room:i})}export{t as a};
