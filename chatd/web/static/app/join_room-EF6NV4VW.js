import{a as o}from"./chunk-GS6INQJF.js";import"./chunk-B6FQDXJR.js";import"./chunk-UTMEGF7Q.js";import"./chunk-P7HGJ4Q7.js";import"./chunk-D6NMFDNS.js";export{o as joinRoom};
