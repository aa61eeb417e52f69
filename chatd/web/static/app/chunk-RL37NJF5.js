import{j as o}from"./chunk-L22ZLU4Q.js";var e=o(new Map),i=()=>!!navigator.mediaDevices&&"MediaRecorder"in window;export{e as a,i as b};
