/** The rows of the storage: a table, a key in it, and a value; pure. */

/** Everything a client keeps, one table a subject. Values are plain data: what JSON can hold, and bytes.
 *
 * `account`: user, device, epoch, cursor, totals. `account_rows`: by "section name". `rooms`: summary, position and
 * cached stretches, by room. `messages`: messages and other events, by [room, seq]. `outbox`: mutations without an
 * acknowledgement, by key. `drafts`: by place. `users`: display data, by user.
 */
export type Table = "account" | "account_rows" | "rooms" | "messages" | "outbox" | "drafts" | "users";

/** The tables that are loaded whole; `messages` are loaded by room. */
export type Tables = { readonly [table in Exclude<Table, "messages">]?: ReadonlyMap<string, unknown> };

/** A key: a text; in `messages` a room and a number, or a room alone, which means all of its rows. */
export type Key = string | readonly [room: string, number: number] | readonly [room: string];

/** One change; without `value` it deletes. */
export interface Row {
  readonly table: Table;
  readonly key: Key;
  readonly value?: unknown;
}
