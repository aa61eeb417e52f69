import{a as o,b as r}from"./chunk-HGZ76NKQ.js";import"./chunk-4SBRI3ZY.js";import"./chunk-4MIN5RXV.js";import"./chunk-UKJCLZ4F.js";import"./chunk-HJJS5Y5P.js";export{o as NotifyChoice,r as RoomBell};
