import{j as o}from"./chunk-J3FXM4R5.js";var e=o(new Map),i=()=>!!navigator.mediaDevices&&"MediaRecorder"in window;export{e as a,i as b};
