import{a as o,b as r}from"./chunk-ZFTXM3FX.js";import"./chunk-ONIYHMQH.js";import"./chunk-L5RDOZSP.js";import"./chunk-6S433HK7.js";import"./chunk-K3ZAJCQC.js";export{o as NotifyChoice,r as RoomBell};
