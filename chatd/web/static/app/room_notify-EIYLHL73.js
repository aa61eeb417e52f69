import{a as o,b as r}from"./chunk-I7NEXSGC.js";import"./chunk-7YSE3QRH.js";import"./chunk-PRXLMZPA.js";import"./chunk-OTBIRV2I.js";import"./chunk-7FZO4Z3S.js";export{o as NotifyChoice,r as RoomBell};
