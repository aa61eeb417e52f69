import{a as o}from"./chunk-YFBEIH7A.js";import"./chunk-ZN4Z4SHL.js";import"./chunk-4AG3AM64.js";import"./chunk-OHJA4VPA.js";import"./chunk-LZRMPJNH.js";export{o as media};
