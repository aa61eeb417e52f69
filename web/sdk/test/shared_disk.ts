/** A storage of several tabs in which every work waits until the test lets it be done; a tab that is killed loses what waits. */

import type { Row, Tables } from "../src/core/records.js";
import { MemoryStorage, type Storage } from "../src/storage.js";

interface Work {
  readonly tab: DiskOfTab;
  readonly run: () => Promise<unknown>;
  readonly done: (result: Promise<unknown>) => void;
}

export class SharedDisk {
  readonly content = new MemoryStorage();
  leader: DiskOfTab | undefined;
  waiting: Work[] = [];

  /** Do the next work. What it gives reaches its tab unless that is frozen. */
  async step(): Promise<void> {
    const { tab, run, done } = this.waiting.shift()!;
    const result = run();
    await result.catch(() => {});
    if (tab.isFrozen) tab.held.push(() => done(result));
    else done(result);
  }

  /** Everything of a tab that is not done never happens. */
  kill(tab: DiskOfTab): void {
    this.waiting = this.waiting.filter((work) => work.tab !== tab);
    tab.isDead = true;
  }
}

export class DiskOfTab implements Storage {
  readonly keepsMessages = true;
  isFrozen = false;
  isDead = false;
  held: (() => void)[] = [];

  constructor(private readonly _disk: SharedDisk) {}

  load(): Promise<Tables> {
    return this._do(async () => structuredClone(await this._disk.content.load()));
  }

  messages(room: string): Promise<unknown[]> {
    return this._do(async () => structuredClone(await this._disk.content.messages(room)));
  }

  lead(): Promise<void> {
    return this._do(async () => void (this._disk.leader = this));
  }

  write(rows: readonly Row[]): Promise<void> {
    const written = structuredClone(rows);
    return this._do(async () => {
      if (this._disk.leader && this._disk.leader !== this && written.some(({ table }) => LED.includes(table))) throw new Error("another tab leads");
      await this._disk.content.write(written);
    });
  }

  async close(): Promise<void> {}

  private _do<Result>(run: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve) => {
      if (!this.isDead) this._disk.waiting.push({ tab: this, run, done: (result) => resolve(result as Promise<Result>) });
    });
  }
}

/** Tables that only the tab that leads may write. */
const LED = ["account", "account_rows", "rooms", "messages"];
