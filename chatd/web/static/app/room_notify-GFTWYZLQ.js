import{a as o,b as r}from"./chunk-7R7CRGVH.js";import"./chunk-733PJ6MR.js";import"./chunk-7XPBPWMA.js";import"./chunk-NACWQWFV.js";import"./chunk-4RDBYHYV.js";export{o as NotifyChoice,r as RoomBell};
