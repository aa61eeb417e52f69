/** The storage that survives a restart, and how several clients share one.
 *
 * A storage is a small map of tables (core/records.ts). Rows are written in transactions: one for everything that a
 * frame of the server changed, in which content stands before the cursor that covers it, so that a crash at any moment
 * leaves a cursor that is never ahead of its content.
 *
 * Several tabs of one user share one storage. One of them, the leader, runs the engine: it alone writes the tables
 * that follow the server (`account` to `intervals`) and takes rows out of the outbox. Any tab puts a row into `outbox`
 * and wakes the leader; correctness rests on the keys of the entries, which the server stores once, and on the close
 * code `replaced`, not on there being one leader: two of them for a moment double nothing. Any tab writes `drafts` and
 * `users`. After each transaction the rows and the changes that belong to it go to the other tabs (tabs.ts), which
 * apply the rows to their own view; a tab that missed some loads everything again. So a tab never needs more than
 * `load`, `room` and the news, and the leader never needs to know who listens.
 */

import type { Row, StoredRoom, Table, Tables } from "./core/records.js";

/** A durable map of tables. */
export interface Storage {
  /** Return everything stored but messages and intervals, each table in the order of first insertion. */
  load(): Promise<Tables>;

  /** Return what is cached of one room; a storage that keeps no messages returns empty lists. */
  room(room: string): Promise<StoredRoom>;

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
  private readonly tables = new Map<Table, Map<string, unknown>>();
  private readonly rooms = new Map<string, { [table in "messages" | "intervals"]: Map<number, unknown> }>();

  async load(): Promise<Tables> {
    return Object.fromEntries([...this.tables].map(([name, table]) => [name, new Map(table)]));
  }

  async room(room: string): Promise<StoredRoom> {
    const { messages, intervals } = this.rooms.get(room) ?? { messages: new Map(), intervals: new Map() };
    return { messages: [...messages.values()], intervals: [...intervals.values()] as [number, number, number][] };
  }

  async write(rows: readonly Row[], _durable?: boolean): Promise<void> {
    for (const row of rows) this.put(row);
  }

  async close(): Promise<void> {}

  private put({ table, key, value }: Row): void {
    if (typeof key !== "string") {
      const [room, number] = key;
      const held = this.rooms.get(room) ?? { messages: new Map(), intervals: new Map() };
      this.rooms.set(room, held);
      const rows = held[table as "messages" | "intervals"];
      if (number === undefined) rows.clear();
      else if (value === undefined) rows.delete(number);
      else rows.set(number, value);
      return;
    }
    const rows = this.tables.get(table) ?? new Map<string, unknown>();
    this.tables.set(table, rows);
    if (value === undefined) rows.delete(key);
    else rows.set(key, value);
  }
}
