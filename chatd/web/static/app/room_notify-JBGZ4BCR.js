import{a as o,b as r}from"./chunk-YB6B25EK.js";import"./chunk-QNJME25F.js";import"./chunk-U3EI3IVF.js";import"./chunk-IKBAKPVV.js";import"./chunk-GWVMPNH4.js";export{o as NotifyChoice,r as RoomBell};
