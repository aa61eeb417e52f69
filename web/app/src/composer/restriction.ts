/** What keeps the own user from writing, in every room, as the last refusal said (protocol.md, "Restrictions"). */
import { signal } from "@preact/signals";
import { restrictionOf, type Restriction } from "@chatd/client/platform";
import type { ErrorReply } from "@chatd/client";
import { client } from "../shell/state.js";

/** `isLong`: the server names no end beyond a day, and says more then. */
export const restriction = signal<(Restriction & { isLong: boolean }) | undefined>(undefined);

const DAY_MS = 86_400_000;
let timer = 0;

/** Follow what is refused and sent; the returned function ends that. */
export function followRestriction(): () => void {
  // What was refused before anybody looked waits in the outbox.
  if (!restriction.peek()) for (const { state, error, room } of client().outbox) if (state === "queued" && error) take(error, room);
  return client().on((change) => {
    if (change.kind === "sendDelayed") take(change.error, change.room);
    // Whose message is stored may write.
    if (change.kind === "sendDone" && change.ordinal > 0) end();
  });
}

function take(error: ErrorReply, room: string): void {
  const found = restrictionOf(error);
  // In a group with slow mode it is that which waits, and there only.
  if (!found || (found.kind === "slow" && client().room(room).summary.policy?.slow_s)) return;
  restriction.value = { ...found, isLong: found.kind === "muted" && (error.retry_after ?? 0) >= DAY_MS };
  clearTimeout(timer);
  timer = Number(setTimeout(end, Math.max(0, found.until - Date.now())));
}

function end(): void {
  clearTimeout(timer);
  restriction.value = undefined;
}
