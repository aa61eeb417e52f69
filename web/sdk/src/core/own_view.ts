/** What the user sees of a room they have: less what they deleted for themself, and what its rules keep no longer; pure. */

import type { Summary } from "./summary.js";

/** Whether a message is in the ranges that the user deleted for themself. */
export function isDeleted(deleted: readonly (readonly [number, number])[] = [], seq: number): boolean {
  return deleted.some(([low, high]) => low <= seq && seq <= high);
}

/** Whether a message is young enough for the rules of its room at `now`, in Unix milliseconds: an app shows no other, whatever is
 * cached (protocol.md, "Retention"). */
export function isRetained(
  { policy, kept = 0 }: Pick<Summary, "policy" | "kept">, { seq, time }: { seq: number; time: number }, now = Date.now(),
): boolean {
  const retainS = policy?.retain_s ?? 0;
  return !retainS || seq <= kept || time >= now - 1000 * retainS;
}
