import{a as o,b as r}from"./chunk-KLKLJNUR.js";import"./chunk-RO6KXFXF.js";import"./chunk-JHDKNSOF.js";import"./chunk-2RYPJEKN.js";import"./chunk-WZW35IH3.js";export{o as NotifyChoice,r as RoomBell};
