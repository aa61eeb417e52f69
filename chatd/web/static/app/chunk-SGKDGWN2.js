import{Gb as o}from"./chunk-RC55TD2F.js";function e(i="",a=""){o(async()=>(await import("./search_dialog-G4YMIFGU.js")).SearchDialog,{room:i,text:a})}export{e as a};
