/** `@chatd/client/node`: the storage of a bot, in one file. */

import { open, readFile, rename, rm, type FileHandle } from "node:fs/promises";

import { MemoryStorage, type Row, type Tables } from "./index.js";

/** Lines above which the file is written anew, if it holds far fewer rows. */
const LINES_MAX = 4096;

/** The outbox, the positions and the account in one file; messages are fetched again after a restart.
 *
 * The file is a journal: a line is one transaction, an array of rows in JSON, synced when it has to survive a power
 * loss. A line that is not whole was never promised, and is passed over. `load` rejects while another process holds the
 * file: two clients with one outbox would send everything twice.
 */
export class FileStorage extends MemoryStorage {
  override readonly keepsMessages = false;
  private readonly _lock: string;
  private _file: FileHandle | undefined;
  private _lines = 0;
  private _written: Promise<void> = Promise.resolve();
  // Rows that a failed write left over; they go with the next.
  private _left: Row[] = [];

  constructor(private readonly _path: string) {
    super();
    this._lock = `${_path}.lock`;
  }

  override async load(): Promise<Tables> {
    if (!this._file) {
      await this._take();
      const text = await readFile(this._path, "utf8").catch(() => "");
      for (const line of text.split("\n")) await super.write(rowsOf(line));
      await this._rewrite();
    }
    return super.load();
  }

  override write(rows: readonly Row[], durable: boolean): Promise<void> {
    const kept = rows.filter(({ key }) => typeof key === "string");
    void super.write(kept);
    this._written = this._written.catch(() => {}).then(() => this._append(kept, durable));
    return this._written;
  }

  override async close(): Promise<void> {
    await this._written.catch(() => {});
    await this._file?.sync();
    await this._file?.close();
    if (this._file) await rm(this._lock, { force: true });
    this._file = undefined;
  }

  private async _append(rows: readonly Row[], durable: boolean): Promise<void> {
    const all = [...this._left, ...rows];
    if (!this._file) throw new Error(`${this._path} is not open`);
    try {
      // Behind a line that a failed write left in its middle.
      if (all.length) await this._file.write(`${this._left.length ? "\n" : ""}${JSON.stringify(all, plain)}\n`);
      if (durable) await this._file.datasync();
    } catch (error) {
      this._left = all;
      throw error;
    }
    this._left = [];
    this._lines += 1;
    // It is written whether or not this succeeds, and tried again with the next.
    if (this._lines > LINES_MAX) await this._rewrite().catch(() => {});
  }

  /** Write the file anew, with one line for all rows; at no moment is there less than a whole one. */
  private async _rewrite(): Promise<void> {
    const rows: Row[] = [];
    for (const [table, entries] of Object.entries(await super.load())) {
      for (const [key, value] of entries) rows.push({ table, key, value } as Row);
    }
    const fresh = await open(`${this._path}.new`, "w", 0o600);
    try {
      await fresh.write(`${JSON.stringify(rows, plain)}\n`);
      await fresh.sync();
      await rename(`${this._path}.new`, this._path);
    } catch (error) {
      await fresh.close();
      throw error;
    }
    const old = this._file;
    this._file = fresh;
    this._lines = 1;
    await old?.close();
  }

  private async _take(): Promise<void> {
    for (let holder; ; ) {
      try {
        const lock = await open(this._lock, "wx");
        await lock.write(String(process.pid));
        return await lock.close();
      } catch {
        holder = Number(await readFile(this._lock, "utf8").catch(() => "0"));
        if (holder && isAlive(holder)) throw new Error(`${this._path} is open in process ${holder}`);
        await rm(this._lock, { force: true });
      }
    }
  }
}

function rowsOf(line: string): Row[] {
  try {
    return JSON.parse(line, revived);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function plain(_: string, value: unknown): unknown {
  // Buffer.toJSON does not run on a Uint8Array.
  return value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString("base64url") } : value;
}

function revived(_: string, value: unknown): unknown {
  const text = (value as { $bytes?: unknown } | null)?.$bytes;
  return typeof text === "string" ? new Uint8Array(Buffer.from(text, "base64url")) : value;
}
