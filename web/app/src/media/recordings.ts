/** The voice messages that are being recorded, by room. */
import { signal } from "@preact/signals";
import type { Recording } from "./recording.js";

export const recordings = signal<ReadonlyMap<string, Recording>>(new Map());

/** Whether this page may ask for a microphone: it needs https, or the own machine. */
export const hasMicrophone = (): boolean => Boolean((navigator as Partial<Navigator>).mediaDevices) && "MediaRecorder" in window;
