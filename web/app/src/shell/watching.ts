/** The users whose presence is followed: those that any screen shows now. */
import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { client, phase } from "./state.js";

/** Most users that may be watched (protocol.md, "watch"). */
const MOST = 200;
/** The time within which changes of what is shown are gathered. */
const GATHER_MS = 300;

const shown = new Map<symbol, readonly string[]>();
let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  if (phase.value === "ready") send();
});

/** Follow the presence of these users while the component is shown. */
export function useWatched(users: readonly string[]): void {
  useEffect(() => {
    const key = Symbol();
    shown.set(key, users);
    gather();
    return () => (shown.delete(key), gather());
  }, [users.join()]);
}

function gather(): void {
  clearTimeout(timer);
  timer = setTimeout(send, GATHER_MS);
}

function send(): void {
  const users = [...new Set([...shown.values()].flat())].filter(Boolean).slice(0, MOST);
  if (phase.peek() !== "stopped") client().watch(users);
}
