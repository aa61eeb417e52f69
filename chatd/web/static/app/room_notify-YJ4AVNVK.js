import{a as o,b as r}from"./chunk-CJCFNF72.js";import"./chunk-GV2BUIBV.js";import"./chunk-YFBV7GTI.js";import"./chunk-BRS2FJJM.js";import"./chunk-OURJ2QGV.js";export{o as NotifyChoice,r as RoomBell};
