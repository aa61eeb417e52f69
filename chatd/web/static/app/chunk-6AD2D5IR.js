import{Kb as o}from"./chunk-2THJCJIM.js";function e(i="",a=""){o(async()=>(await import("./search_dialog-IH7LE7HR.js")).SearchDialog,{room:i,text:a})}export{e as a};
