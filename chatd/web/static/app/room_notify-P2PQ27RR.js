import{a as o,b as r}from"./chunk-6OSBM5XB.js";import"./chunk-ODLPQCYA.js";import"./chunk-STI5XGXI.js";import"./chunk-2VNQDLF2.js";import"./chunk-2VZMFNLU.js";export{o as NotifyChoice,r as RoomBell};
