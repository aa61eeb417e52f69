import{a as o}from"./chunk-K2KO33A6.js";import"./chunk-GQVBFOFY.js";import"./chunk-KFWCZYLT.js";import"./chunk-7EDVUCLP.js";import"./chunk-BVE52PYC.js";export{o as joinRoom};
