import{a as o,b as r}from"./chunk-N2C6NI3W.js";import"./chunk-O6YNFJ2A.js";import"./chunk-WMNZ4ZB7.js";import"./chunk-EOENHLXG.js";import"./chunk-UNPK4VXF.js";export{o as NotifyChoice,r as RoomBell};
