import{a as o,b as r}from"./chunk-AWZRGKS2.js";import"./chunk-3KE7G3G4.js";import"./chunk-3V535D5G.js";import"./chunk-IGEKUIV2.js";import"./chunk-WAVFMWFT.js";export{o as NotifyChoice,r as RoomBell};
