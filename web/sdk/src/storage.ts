/** The storage that survives a restart, and how several clients share one.
 *
 * A storage is a small map of tables (core/records.ts). Rows are written in transactions: one for everything that a
 * frame of the server changed, in which content stands before the cursor that covers it, so that a crash at any moment
 * leaves a cursor that is never ahead of its content.
 *
 * Several tabs of one user share one storage. One of them, the leader, runs the engine: it alone writes the tables
 * that follow the server (`account` to `messages`) and takes rows out of the outbox. Any tab puts a row into `outbox`
 * and wakes the leader; correctness rests on the keys of the entries, which the server stores once, and on the close
 * code `replaced`, not on there being one leader: two of them for a moment double nothing. Any tab writes `drafts` and
 * `users`. After each transaction the rows and the changes that belong to it go to the other tabs (tabs.ts), which
 * apply the rows to their own view; a tab that missed some loads everything again. So a tab never needs more than
 * `load`, `messages` and the news, and the leader never needs to know who listens.
 */

import type { Row, Table, Tables } from "./core/records.js";

/** A durable map of tables. */
export interface Storage {
  /** Return everything stored but messages, each table in the order of first insertion. */
  load(): Promise<Tables>;

  /** Return the values of `messages` of one room. */
  messages(room: string): Promise<unknown[]>;

  /** Return the rooms whose messages are to go, when more are kept than there is place for; the client deletes them. */
  surplus?(): Promise<string[]>;

  /** From now on `write` rejects rows of `account` to `messages` from anybody else who shares the storage: who led before, and
   * does not know yet that it does not, would bring old rows back. */
  lead?(): Promise<void>;

  /** Whether `messages` are kept; else they are fetched again after a restart. */
  readonly keepsMessages: boolean;

  /** Write rows in one transaction, behind everything written before; resolves once it is committed.
   *
   * With `durable` the rows and all before them survive a power loss then; rejects when that cannot be promised.
   * Without it a crash may lose them, but never a part of them; rows that cannot be written are kept and written with
   * the next that can.
   */
  write(rows: readonly Row[], durable: boolean): Promise<void>;

  /** Finish writing and release what is held. */
  close(): Promise<void>;

  /** Set by the client: called once when the storage failed for good and memory stands in for it. */
  onLost?: (reason: string) => void;
}

/** A storage that survives reconnects and nothing else; for tests, throw-away sessions, and where nothing else works. */
export class MemoryStorage implements Storage {
  readonly keepsMessages: boolean = true;
  private readonly _tables = new Map<Table, Map<string, unknown>>();
  private readonly _messages = new Map<string, Map<number, unknown>>();

  async load(): Promise<Tables> {
    return Object.fromEntries([...this._tables].map(([name, table]) => [name, new Map(table)]));
  }

  async messages(room: string): Promise<unknown[]> {
    return [...(this._messages.get(room)?.values() ?? [])];
  }

  async write(rows: readonly Row[], _durable?: boolean): Promise<void> {
    for (const { table, key, value } of rows) {
      if (typeof key === "string") put(held(this._tables, table), key, value);
      else if (key.length === 1) this._messages.delete(key[0]);
      else put(held(this._messages, key[0]), key[1], value);
    }
  }

  async close(): Promise<void> {}
}

/** Set a value, or delete it when it is undefined. */
export function put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function held<Key, Inner>(maps: Map<Key, Map<Inner, unknown>>, key: Key): Map<Inner, unknown> {
  const map = maps.get(key) ?? new Map<Inner, unknown>();
  maps.set(key, map);
  return map;
}
