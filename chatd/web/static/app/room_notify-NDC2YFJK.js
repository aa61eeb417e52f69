import{a as o,b as r}from"./chunk-HXFVJECM.js";import"./chunk-OOVL27R4.js";import"./chunk-7ALROZET.js";import"./chunk-PAOX3REV.js";import"./chunk-UOEI3IBJ.js";export{o as NotifyChoice,r as RoomBell};
