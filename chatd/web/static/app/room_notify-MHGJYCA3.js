import{a as o,b as r}from"./chunk-WT47SFFH.js";import"./chunk-75IV4KU2.js";import"./chunk-DKFWXELK.js";import"./chunk-IMPKC3K5.js";import"./chunk-EFKNTS7C.js";export{o as NotifyChoice,r as RoomBell};
