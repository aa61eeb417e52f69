/** The messages that are sent later, as the account has them. */
import { scheduledOf } from "@chatd/client/conversations";
import { client, rows } from "../shell/state.js";

/** A message that waits, or could not be sent. */
export type Later = { key: string } & (ReturnType<typeof scheduledOf> extends ReadonlyMap<string, infer Row> ? Row : never);

/** Return those of a room, or all of them, the next one first; the caller is drawn again when one changes. */
export function laterIn(room = ""): Later[] {
  rows.value;
  const all = [...scheduledOf(client())].map(([key, row]) => ({ key, ...row }));
  return all.filter((row) => !room || row.room === room).sort((one, other) => one.at - other.at);
}
