/** The storage of a browser: one IndexedDB database a user, shared by all tabs.
 *
 * A transaction of IndexedDB is one of ours; those that write wait for each other in the order they were made. Browsers lose
 * the handle of a database (after a sleep, when the disk was full, on a defect of their own) and then fail every request
 * on it: the handle is dropped, the database opened anew, and the work done again, three times. When that does not help, or
 * there is no room, memory stands in: what is typed from then on lives in this tab only, and `onLost` says so.
 */

import type { Row, Table, Tables } from "./core/records.js";
import { MemoryStorage, type Storage } from "./storage.js";

const VERSION = 1;
const TRIES = 3;
/** Some browsers never answer the opening of a broken database. It is given up when the browser has answered another question
 * of the same kind that was asked this much later, and this much has passed again: on a slow machine both wait. */
const OPEN_MS = 10_000;
/** Between two tries, so that a browser which opens its files anew has time for it. */
const PAUSE_MS = 200;
/** Messages above which rooms that were not opened for the longest time lose theirs, and the part that is left then. */
const MESSAGES_MAX = 50_000;
const LEFT = 0.8;

const TABLES: readonly Table[] = ["account", "account_rows", "rooms", "messages", "outbox", "drafts", "users"];
const WHOLE = TABLES.filter((table) => table !== "messages");
/** What nobody else has: memory holds it, too, to stand in at any moment. */
const ONLY_HERE: readonly Table[] = ["outbox", "drafts"];
/** What only the tab that leads writes. */
const LED: readonly Table[] = ["account", "account_rows", "rooms", "messages"];
/** When a room was opened last, in Unix milliseconds, by room; under `TERM` the number of times that a tab took the lead. */
const OPENED = "opened";
const TERM = "";

type Work<Result> = (transaction: IDBTransaction) => Promise<Result>;

/** The database `chatd:USER`. */
export class IndexedDbStorage implements Storage {
  onLost?: (reason: string) => void;
  private readonly _name: string;
  private readonly _memory = new MemoryStorage();
  private _database: Promise<IDBDatabase> | undefined;
  private _written: Promise<void> = Promise.resolve();
  private _isLost = false;
  // That in which this tab led; 0: nobody shares the database, or others lead.
  private _term = 0;
  private _isPersistent = false;

  constructor(user: string, private readonly _messagesMax = MESSAGES_MAX, private readonly _factory = indexedDB) {
    this._name = `chatd:${user}`;
  }

  get keepsMessages(): boolean {
    return !this._isLost;
  }

  async load(): Promise<Tables> {
    await this._written;
    const read = () => this._transact(WHOLE, "readonly", async (transaction) => {
      const tables = await Promise.all(WHOLE.map(async (table) => {
        const store = transaction.objectStore(table);
        const [keys, values] = await Promise.all([answer(store.getAllKeys()), answer(store.getAll())]);
        return [table, new Map(keys.map((key, index) => [key as string, values[index] as unknown]))] as const;
      }));
      for (const [table, rows] of tables) {
        if (ONLY_HERE.includes(table)) for (const [key, value] of rows) void this._memory.write([{ table, key, value }]);
      }
      return Object.fromEntries(tables) as Tables;
    });
    return this._orMemory(read, () => this._memory.load());
  }

  async messages(room: string): Promise<unknown[]> {
    await this._written;
    const read = () => this._transact(["messages", OPENED], "readwrite", (transaction) => {
      transaction.objectStore(OPENED).put(Date.now(), room);
      return answer(transaction.objectStore("messages").getAll(allOf(room)) as IDBRequest<unknown[]>);
    });
    return this._orMemory(read, () => this._memory.messages(room));
  }

  /** The rooms that were not opened for the longest time. */
  surplus(): Promise<string[]> {
    const count = () => this._transact(["messages", OPENED], "readonly", async (transaction) => {
      const messages = transaction.objectStore("messages");
      let left = await answer(messages.count());
      if (left <= this._messagesMax) return [];
      const gone = [];
      for (const room of await oldestFirst(transaction)) {
        gone.push(room);
        left -= await answer(messages.count(allOf(room)));
        if (left <= this._messagesMax * LEFT) break;
      }
      return gone;
    });
    return this._orMemory(count, async () => []);
  }

  lead(): Promise<void> {
    const take = () => this._transact([OPENED], "readwrite", async (transaction) => {
      const opened = transaction.objectStore(OPENED);
      const term = 1 + ((await answer(opened.get(TERM))) ?? 0);
      opened.put(term, TERM);
      this._term = term;
    });
    return (this._written = this._written.then(() => this._orMemory(take, async () => {})));
  }

  write(rows: readonly Row[], durable: boolean): Promise<void> {
    void this._memory.write(this._isLost ? rows : rows.filter(({ table }) => ONLY_HERE.includes(table)));
    if (this._isLost || !rows.length) return this._written;
    const isLed = this._term && rows.some(({ table }) => LED.includes(table));
    const put = () => this._transact([...new Set([OPENED, ...rows.map(({ table }) => table)])], "readwrite", async (transaction) => {
      const isLate = isLed && (await answer(transaction.objectStore(OPENED).get(TERM))) !== this._term;
      if (!isLate) for (const row of rows) store(transaction.objectStore(row.table), row);
      return isLate;
    }, durable ? "strict" : "relaxed");
    const written = this._written.then(async () => {
      if (await this._orMemory(put, () => this._memory.write(rows))) throw new Error("another tab leads");
    });
    this._written = written.catch(() => {});
    if (durable && !this._isPersistent) this._askToPersist();
    return written;
  }

  async close(): Promise<void> {
    await this._written;
    this._drop();
  }

  // Failures.

  private async _orMemory<Result, Other>(work: () => Promise<Result>, instead: () => Promise<Other>): Promise<Result | Other> {
    if (this._isLost) return instead();
    try {
      return await work();
    } catch (error) {
      if (!this._isLost) {
        this._isLost = true;
        this._drop();
        this.onLost?.(String(error));
      }
      return instead();
    }
  }

  private async _transact<Result>(
    tables: readonly string[], mode: IDBTransactionMode, work: Work<Result>, durability: IDBTransactionDurability = "relaxed",
  ): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        this._database ??= this._open();
        const database = await this._database;
        const transaction = database.transaction(tables as string[], mode, { durability });
        const over = ended(transaction);
        // It may fail before the work awaits it.
        over.catch(() => {});
        const result = await work(transaction);
        await over;
        return result;
      } catch (error) {
        this._drop();
        if (tries >= TRIES || (error as DOMException)?.name === "QuotaExceededError") throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  private _drop(): void {
    this._database?.then((database) => database.close(), () => {});
    this._database = undefined;
  }

  private _open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = this._factory.open(this._name, VERSION);
      const late = () => (timer = setTimeout(() => reject(new Error("IndexedDB does not answer")), OPEN_MS));
      let timer = setTimeout(() => void this._factory.databases().then(late, late), OPEN_MS);
      request.onupgradeneeded = () => {
        for (const table of [...TABLES, OPENED]) request.result.createObjectStore(table);
      };
      request.onerror = () => (clearTimeout(timer), reject(request.error));
      request.onsuccess = () => {
        clearTimeout(timer);
        const database = request.result;
        // Somebody deletes the database, or the browser closed it: the next transaction opens it anew.
        database.onversionchange = database.onclose = () => {
          database.close();
          this._database = undefined;
        };
        resolve(database);
      };
    });
  }

  private _askToPersist(): void {
    this._isPersistent = true;
    void globalThis.navigator?.storage?.persist?.().catch(() => {});
  }
}

/** All keys of a room: an array is above every number and every text. */
function allOf(room: string): IDBKeyRange {
  return IDBKeyRange.bound([room], [room, []]);
}

function store(table: IDBObjectStore, { key, value }: Row): void {
  if (typeof key !== "string" && key.length === 1) table.delete(allOf(key[0]));
  else if (value === undefined) table.delete(key as IDBValidKey);
  else table.put(value, key as IDBValidKey);
}

/** The rooms with messages: those never opened, then those opened the longest time ago. */
async function oldestFirst(transaction: IDBTransaction): Promise<string[]> {
  const opened = transaction.objectStore(OPENED);
  const [keys, times] = await Promise.all([answer(opened.getAllKeys()), answer(opened.getAll())]);
  const timeOf = new Map(keys.map((room, index) => [room as string, times[index] as number]));
  const rooms = new Set<string>();
  const messages = transaction.objectStore("messages");
  for (let from: IDBKeyRange | null = null; ; ) {
    const cursor: IDBCursor | null = await answer(messages.openKeyCursor(from));
    if (!cursor) break;
    const [room] = cursor.key as [string, number];
    rooms.add(room);
    from = IDBKeyRange.lowerBound([room, []]);
  }
  return [...rooms].sort((one, other) => (timeOf.get(one) ?? 0) - (timeOf.get(other) ?? 0));
}

function answer<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
  });
}
