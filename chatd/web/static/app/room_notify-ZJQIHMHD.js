import{a as o,b as r}from"./chunk-ZFXJCWBY.js";import"./chunk-RARALSRX.js";import"./chunk-VZAE5NNN.js";import"./chunk-SXWFAYMR.js";import"./chunk-D7SCWAZY.js";export{o as NotifyChoice,r as RoomBell};
