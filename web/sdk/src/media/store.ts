/** Messages whose files are on their way, kept with the bytes of the files, so that they go on after a restart. */

import type { Body } from "../core/packets.js";
import type { FileKind } from "./tus.js";

/** One file of a message that is on its way. */
export interface OutgoingFile {
  /** Of its upload. */
  readonly key: string;
  readonly kind: FileKind;
  readonly name: string;
  readonly mime: string;
  readonly blob: Blob;
  readonly alt?: string;
  /** Pixels, and milliseconds, as this device measured them; the server measures again. */
  readonly width?: number;
  readonly height?: number;
  readonly duration?: number;
  readonly waveform?: string;
  /** The id, once the server has the file. */
  readonly file?: string;
}

/** A message whose files are on their way. `key`: of the message that it becomes. */
export interface OutgoingRecord {
  readonly key: string;
  readonly room: string;
  readonly body: Body;
  readonly composed_at: number;
  readonly files: readonly OutgoingFile[];
  readonly paused?: boolean;
  /** The reason why the server does not take it, and the key of the file it was about. */
  readonly failed?: { readonly code: string; readonly scope: string; readonly file: string };
}

/** Keeps messages that are on their way, and says which of several pages sends one. */
export interface MediaStore {
  load(): Promise<OutgoingRecord[]>;
  get(key: string): Promise<OutgoingRecord | undefined>;
  /** Keep a record in place of the last one; rejects if it cannot be kept. */
  put(record: OutgoingRecord): Promise<void>;
  remove(key: string): Promise<void>;
  /** Do the work while no other page does it, as soon as none does. */
  alone(key: string, work: () => Promise<void>): Promise<void>;
  /** Call `listener` with the key of a record that another page changed; returns what ends that. */
  follow(listener: (key: string) => void): () => void;
}

/** Keeps nothing beyond the process. */
export class MemoryMediaStore implements MediaStore {
  private readonly _records = new Map<string, OutgoingRecord>();

  async load(): Promise<OutgoingRecord[]> {
    return [...this._records.values()];
  }

  async get(key: string): Promise<OutgoingRecord | undefined> {
    return this._records.get(key);
  }

  async put(record: OutgoingRecord): Promise<void> {
    this._records.set(record.key, record);
  }

  async remove(key: string): Promise<void> {
    this._records.delete(key);
  }

  alone(_key: string, work: () => Promise<void>): Promise<void> {
    return work();
  }

  follow(): () => void {
    return () => {};
  }
}

const TABLE = "outgoing";

/** The database `chatd:USER:media` of a browser, which all pages of a user share; one of them sends each message. */
export class BrowserMediaStore implements MediaStore {
  private readonly _name: string;
  private readonly _channel: BroadcastChannel;
  private _database: Promise<IDBDatabase> | undefined;
  /** Stands in where the browser stores nothing, as in a private window. */
  private readonly _memory = new MemoryMediaStore();

  constructor(user: string) {
    this._name = `chatd:${user}:media`;
    this._channel = new BroadcastChannel(this._name);
  }

  async load(): Promise<OutgoingRecord[]> {
    const stored = await this._do<OutgoingRecord[]>("readonly", (table) => table.getAll()).catch(() => []);
    return [...stored, ...(await this._memory.load())];
  }

  async get(key: string): Promise<OutgoingRecord | undefined> {
    const stored = await this._do<OutgoingRecord | undefined>("readonly", (table) => table.get(key)).catch(() => undefined);
    return stored ?? this._memory.get(key);
  }

  async put(record: OutgoingRecord): Promise<void> {
    try {
      await this._do("readwrite", (table) => table.put(record, record.key));
      this._channel.postMessage(record.key);
    } catch {
      await this._memory.put(record);
    }
  }

  async remove(key: string): Promise<void> {
    await this._memory.remove(key);
    await this._do("readwrite", (table) => table.delete(key)).catch(() => {});
    this._channel.postMessage(key);
  }

  async alone(key: string, work: () => Promise<void>): Promise<void> {
    await navigator.locks.request(`${this._name}:${key}`, work);
  }

  follow(listener: (key: string) => void): () => void {
    const take = ({ data }: MessageEvent): void => listener(String(data));
    this._channel.addEventListener("message", take);
    return () => this._channel.removeEventListener("message", take);
  }

  private async _do<Result>(mode: IDBTransactionMode, ask: (table: IDBObjectStore) => IDBRequest): Promise<Result> {
    this._database ??= this._open();
    try {
      const transaction = (await this._database).transaction(TABLE, mode, { durability: "strict" });
      const request = ask(transaction.objectStore(TABLE));
      return await new Promise<Result>((resolve, reject) => {
        transaction.oncomplete = () => resolve(request.result as Result);
        transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
      });
    } catch (error) {
      // Browsers lose the handle of a database: the next request opens it anew.
      this._database = undefined;
      throw error;
    }
  }

  private _open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this._name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        request.result.onversionchange = request.result.onclose = () => {
          request.result.close();
          this._database = undefined;
        };
        resolve(request.result);
      };
    });
  }
}
