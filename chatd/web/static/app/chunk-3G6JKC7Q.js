import{Hb as o}from"./chunk-BVE52PYC.js";function t(i=""){o(async()=>(await import("./list_dialog-4WIIQTT5.js")).LaterDialog,{room:i})}export{t as a};
