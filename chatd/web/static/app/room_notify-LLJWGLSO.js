import{a as o,b as r}from"./chunk-3SYPFRPH.js";import"./chunk-JFWNTRTI.js";import"./chunk-KN42KBM3.js";import"./chunk-5O7WRYM6.js";import"./chunk-L22ZLU4Q.js";export{o as NotifyChoice,r as RoomBell};
