import{j as o}from"./chunk-2THJCJIM.js";var e=o(new Map),i=()=>!!navigator.mediaDevices&&"MediaRecorder"in window;export{e as a,i as b};
