import{Fb as o}from"./chunk-2CUSTZAH.js";function t(i=""){o(async()=>(await import("./list_dialog-Y2ILLYML.js")).LaterDialog,{room:i})}export{t as a};
