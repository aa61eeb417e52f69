/** Voice messages that are heard: one at a time, at the speed the user likes, on through the chat. */
import { effect, signal } from "@preact/signals";
import { me } from "../shell/state.js";
import { keep, kept } from "../shell/web_storage.js";

/** A voice message that can be heard. */
export interface Track {
  /** The same wherever it is drawn. */
  readonly id: string;
  /** Milliseconds, as the message says. */
  readonly duration: number;
  /** Return an address; `again`: the last one did not work. */
  readonly address: (again: boolean) => Promise<string>;
  /** Called once it is heard. */
  readonly onHeard: () => void;
  /** The one that follows. */
  readonly next: () => Track | undefined;
}

export interface Playing {
  readonly id: string;
  readonly state: "loading" | "playing" | "paused" | "failed";
  /** Milliseconds. */
  readonly time: number;
}

export const SPEEDS = [1, 1.5, 2] as const;
const SPEED = "chatd:speed";
/** Milliseconds between two places that are told. */
const TICK_MS = 60;

/** The message that is heard, or was paused. */
export const playing = signal<Playing | null>(null);
export const speed = signal(Number(kept("localStorage", SPEED)) || 1);

const audio = new Audio();
// The page is one of an allowed origin: files of the server open for no other site.
audio.crossOrigin = "anonymous";
let track: Track | undefined;
let timer = 0;
let retried = false;

/** Hear a message, go on with it, or pause it. */
export function toggle(wanted: Track): void {
  if (track?.id !== wanted.id || playing.peek()?.state === "failed") void play(wanted, 0);
  else if (audio.paused) void audio.play();
  else audio.pause();
}

/** Go to a place of a message, and hear it from there. */
export function seek(wanted: Track, ms: number): void {
  if (track?.id !== wanted.id) return void play(wanted, ms);
  audio.currentTime = ms / 1000;
  tell();
}

/** Hear at the next speed. */
export function nextSpeed(): void {
  const at = SPEEDS.indexOf(speed.peek() as (typeof SPEEDS)[number]);
  speed.value = SPEEDS[(at + 1) % SPEEDS.length]!;
  keep("localStorage", SPEED, `${speed.value}`);
  audio.playbackRate = speed.value;
}

/** Hear nothing any more. */
export function stopPlaying(): void {
  audio.pause();
  audio.removeAttribute("src");
  track = undefined;
  playing.value = null;
}

async function play(wanted: Track, from: number, again = false): Promise<void> {
  track = wanted;
  retried = again;
  audio.pause();
  playing.value = { id: wanted.id, state: "loading", time: from };
  try {
    const address = await wanted.address(again);
    if (track !== wanted) return;
    audio.src = address;
    audio.currentTime = from / 1000;
    audio.defaultPlaybackRate = audio.playbackRate = speed.peek();
    await audio.play();
  } catch (error) {
    // Another was begun meanwhile, or it was paused before it began.
    if (track !== wanted || (error as DOMException).name === "AbortError") return;
    fail();
  }
}

/** A link ends while one listens: it goes on from there with another. */
function fail(): void {
  if (!track) return;
  const at = playing.peek()?.time ?? 0;
  if (!retried) void play(track, at, true);
  else playing.value = { id: track.id, state: "failed", time: 0 };
}

function tell(): void {
  clearTimeout(timer);
  if (!track || playing.peek()?.state === "failed") return;
  const state = audio.paused ? "paused" : audio.readyState < HTMLMediaElement.HAVE_FUTURE_DATA ? "loading" : "playing";
  playing.value = { id: track.id, state, time: audio.currentTime * 1000 };
  if (!audio.paused) timer = Number(setTimeout(tell, TICK_MS));
}

// Somebody else signs in, or nobody.
effect(() => {
  me.value;
  stopPlaying();
});
audio.addEventListener("playing", () => {
  track?.onHeard();
  tell();
});
for (const kind of ["pause", "waiting", "seeked"]) audio.addEventListener(kind, tell);
audio.addEventListener("error", () => audio.hasAttribute("src") && fail());
audio.addEventListener("ended", () => {
  const next = track?.next();
  stopPlaying();
  if (next) void play(next, 0);
});
