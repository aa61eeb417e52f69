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
  /** Where the app keeps the bytes, in React Native (`NativeMediaStore`). */
  readonly uri?: string;
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

const RECORDS = "outgoing";
const BLOBS = "blobs";

/** A record without the bytes of its files, which are written once. */
type Stored = Omit<OutgoingRecord, "files"> & { readonly files: readonly Omit<OutgoingFile, "blob">[] };

/** The database `chatd:USER:media` of a browser, which all pages of a user share; one of them sends each message. */
export class BrowserMediaStore implements MediaStore {
  private readonly _name: string;
  private readonly _channel: BroadcastChannel;
  private _database: Promise<IDBDatabase> | undefined;
  /** Stands in where the browser stores nothing, as in a private window. */
  private readonly _memory = new MemoryMediaStore();
  /** The records whose bytes this page has written or read. */
  private readonly _blobs = new Map<string, readonly Blob[]>();

  constructor(user: string) {
    this._name = `chatd:${user}:media`;
    this._channel = new BroadcastChannel(this._name);
  }

  async load(): Promise<OutgoingRecord[]> {
    const read = async (records: IDBObjectStore, blobs: IDBObjectStore) => {
      const stored = (await answer(records.getAll())) as Stored[];
      return Promise.all(stored.map((record) => this._whole(record, blobs)));
    };
    const stored = await this._do("readonly", read).catch(() => []);
    return [...stored, ...(await this._memory.load())];
  }

  async get(key: string): Promise<OutgoingRecord | undefined> {
    const read = async (records: IDBObjectStore, blobs: IDBObjectStore) => {
      const record = (await answer(records.get(key))) as Stored | undefined;
      return record && this._whole(record, blobs);
    };
    return (await this._do("readonly", read).catch(() => undefined)) ?? this._memory.get(key);
  }

  async put(record: OutgoingRecord): Promise<void> {
    const write = async (records: IDBObjectStore, blobs: IDBObjectStore) => {
      // Another page discarded it meanwhile.
      if (this._blobs.has(record.key) && !(await answer(records.count(record.key)))) return;
      records.put({ ...record, files: record.files.map(({ blob: _, ...file }) => file) } satisfies Stored, record.key);
      if (!this._blobs.has(record.key)) for (const [at, { blob }] of record.files.entries()) blobs.put(blob, [record.key, at]);
    };
    try {
      await this._do("readwrite", write);
      this._blobs.set(record.key, record.files.map(({ blob }) => blob));
      this._channel.postMessage(record.key);
    } catch {
      await this._memory.put(record);
    }
  }

  async remove(key: string): Promise<void> {
    this._blobs.delete(key);
    await this._memory.remove(key);
    const erase = async (records: IDBObjectStore, blobs: IDBObjectStore) => {
      records.delete(key);
      blobs.delete(IDBKeyRange.bound([key], [key, []]));
    };
    await this._do("readwrite", erase).catch(() => {});
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

  /** Return a record with the bytes of its files: those that this page has, so that a file stays one object. */
  private async _whole({ files, ...record }: Stored, table: IDBObjectStore): Promise<OutgoingRecord> {
    const { key } = record;
    if (!this._blobs.has(key)) this._blobs.set(key, await Promise.all(files.map((_, at) => answer<Blob>(table.get([key, at])))));
    const blobs = this._blobs.get(key)!;
    return { ...record, files: files.map((file, at) => ({ ...file, blob: blobs[at] ?? new Blob() })) };
  }

  private async _do<Result>(
    mode: IDBTransactionMode, work: (records: IDBObjectStore, blobs: IDBObjectStore) => Promise<Result>,
  ): Promise<Result> {
    this._database ??= this._open();
    try {
      const transaction = (await this._database).transaction([RECORDS, BLOBS], mode, { durability: "strict" });
      const over = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
      });
      // It may fail before the work awaits it.
      over.catch(() => {});
      const result = await work(transaction.objectStore(RECORDS), transaction.objectStore(BLOBS));
      await over;
      return result;
    } catch (error) {
      // Browsers lose the handle of a database: the next request opens it anew.
      this._database = undefined;
      throw error;
    }
  }

  private _open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this._name, 1);
      request.onupgradeneeded = () => {
        for (const table of [RECORDS, BLOBS]) request.result.createObjectStore(table);
      };
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

function answer<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
