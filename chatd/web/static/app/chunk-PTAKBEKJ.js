import{j as o}from"./chunk-P5YMZIH3.js";var e=o(new Map),i=()=>!!navigator.mediaDevices&&"MediaRecorder"in window;export{e as a,i as b};
