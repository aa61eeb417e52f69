/** `@chatd/client/node`: the storage of a bot, in one file. */

import { open, readFile, rename, rm, type FileHandle } from "node:fs/promises";

import { MemoryStorage, type Row, type StoredRoom, type Tables } from "./index.js";

/** Lines above which the file is written anew, if it holds far fewer rows. */
const LINES_MAX = 4096;

/** The outbox, the positions and the account in one file; messages are fetched again after a restart.
 *
 * The file is a journal: a line is one transaction, an array of rows in JSON, synced when it has to survive a power
 * loss. A line that is not whole was never promised, and is passed over. `load` rejects while another process holds the
 * file: two clients with one outbox would send everything twice.
 */
export class FileStorage extends MemoryStorage {
  private readonly lock: string;
  private file: FileHandle | undefined;
  private lines = 0;
  private written: Promise<void> = Promise.resolve();
  // Rows that a failed write left over; they go with the next.
  private left: Row[] = [];

  constructor(private readonly path: string) {
    super();
    this.lock = `${path}.lock`;
  }

  override async load(): Promise<Tables> {
    if (!this.file) {
      await this.take();
      const text = await readFile(this.path, "utf8").catch(() => "");
      for (const line of text.split("\n")) await super.write(rowsOf(line));
      await this.rewrite();
    }
    return super.load();
  }

  override async room(): Promise<StoredRoom> {
    return { messages: [], intervals: [] };
  }

  override write(rows: readonly Row[], durable: boolean): Promise<void> {
    const kept = rows.filter(({ key }) => typeof key === "string");
    void super.write(kept);
    this.written = this.written.catch(() => {}).then(() => this.append(kept, durable));
    return this.written;
  }

  override async close(): Promise<void> {
    await this.written.catch(() => {});
    await this.file?.sync();
    await this.file?.close();
    if (this.file) await rm(this.lock, { force: true });
    this.file = undefined;
  }

  private async append(rows: readonly Row[], durable: boolean): Promise<void> {
    const all = [...this.left, ...rows];
    if (!this.file) throw new Error(`${this.path} is not open`);
    try {
      // Behind a line that a failed write left in its middle.
      if (all.length) await this.file.write(`${this.left.length ? "\n" : ""}${JSON.stringify(all, plain)}\n`);
      if (durable) await this.file.datasync();
    } catch (error) {
      this.left = all;
      throw error;
    }
    this.left = [];
    this.lines += 1;
    if (this.lines > LINES_MAX) await this.rewrite();
  }

  /** Write the file anew, with one line for all rows; at no moment is there less than a whole one. */
  private async rewrite(): Promise<void> {
    const rows: Row[] = [];
    for (const [table, entries] of Object.entries(await super.load())) {
      for (const [key, value] of entries) rows.push({ table, key, value } as Row);
    }
    const fresh = await open(`${this.path}.new`, "w", 0o600);
    await fresh.write(`${JSON.stringify(rows, plain)}\n`);
    await fresh.sync();
    await this.file?.close();
    await rename(`${this.path}.new`, this.path);
    this.file = fresh;
    this.lines = 1;
  }

  private async take(): Promise<void> {
    for (let holder; ; ) {
      try {
        const lock = await open(this.lock, "wx");
        await lock.write(String(process.pid));
        return await lock.close();
      } catch {
        holder = Number(await readFile(this.lock, "utf8").catch(() => "0"));
        if (holder && isAlive(holder)) throw new Error(`${this.path} is open in process ${holder}`);
        await rm(this.lock, { force: true });
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
