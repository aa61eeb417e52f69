/** What keeps the user from writing in a group: they are silenced, only the staff writes, or slow mode lets them wait. */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { hindranceOf, rulesOf, type Hindrance } from "@chatd/client/conversations";
import { client, me, type RoomState } from "../shell/state.js";

const TICK_MS = 1000;
/** The time until which slow mode lets the user wait, by room, as this page knows it. */
const waits = new Map<string, Signal<number>>();

/** The end of the wait in a room with slow mode; 0: none is known. */
export function waitOf(room: string): Signal<number> {
  let wait = waits.get(room);
  if (!wait) waits.set(room, (wait = signal(0)));
  return wait;
}

/** Return the time of the last own message in a room, as far as it is here. */
function lastSent(state: RoomState): number {
  let last = 0;
  for (const { user, time, recalled } of state.room.messages.values()) if (user === me.peek() && !recalled) last = Math.max(last, time);
  return last;
}

const now = signal(Date.now());

/** Return what keeps the user from writing in a room, up to this second. `shown` changes when messages of the room were
 * fetched: among them may be one that was sent from another device. */
export function useHindrance(state: RoomState, shown: ReadonlySignal<unknown>): Hindrance | undefined {
  const summary = state.summary.value;
  const wait = waitOf(state.id);
  const { slow_s } = rulesOf(summary);
  useEffect(() => {
    if (summary.peer || !slow_s) return;
    const unfollow = shown.subscribe(() => (wait.value = Math.max(wait.peek(), lastSent(state) + slow_s * 1000)));
    const ends = client().on((change) => {
      if (!("room" in change) || change.room !== state.id) return;
      if (change.kind === "sendDone" && change.ordinal > 0) wait.value = Date.now() + slow_s * 1000;
      if (change.kind === "sendDelayed" && change.error.scope === "slow") wait.value = Date.now() + (change.error.retry_after ?? 0);
    });
    return () => (unfollow(), ends());
  }, [state, slow_s]);
  const why = hindranceOf(summary, slow_s ? wait.value - slow_s * 1000 : 0, now.value);
  const until = why && "until" in why && why.until > 1 ? why.until : 0;
  useEffect(() => {
    if (!until) return;
    now.value = Date.now();
    const timer = setInterval(() => (now.value = Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [until]);
  return why;
}
