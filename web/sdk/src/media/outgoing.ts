/** Messages with files: the device keeps message and bytes until the server has both, through reloads and cuts.
 *
 * The message is written down first, with the key under which it will be sent; then its files are uploaded, then it goes
 * into the outbox of the client, then it is forgotten here. Whatever breaks off in between is done again under the same
 * keys, so nothing is sent twice.
 */

import type { Client } from "../client.js";
import type { Attachment, Body } from "../core/packets.js";
import { SystemEnv, type Env } from "../env.js";
import type { GetToken } from "../tokens.js";
import { addressOf, type MediaOffer } from "./offer.js";
import { MemoryMediaStore, type MediaStore, type OutgoingFile, type OutgoingRecord } from "./store.js";
import { systemTransport, type Transport } from "./transport.js";
import { stopIfAborted, Tus, UploadRefused, type FileKind, type Purpose } from "./tus.js";

/** Uploads at a time; the server has at most 8 of a user open. */
const AT_ONCE = 3;
/** Most attachments of a message (protocol.md, "Body"). */
export const FILES_MAX = 10;
/** Seconds until a message whose files are there is put into an outbox that was full. */
const OUTBOX_FULL_S = 5;

/** A file to be sent. Sizes are hints: the server measures what it can. */
export type NewFile = Omit<OutgoingFile, "key" | "file" | "name" | "mime"> & {
  readonly name?: string;
  readonly mime?: string;
  /** Of an upload that was begun already, as by `LiveUpload`. */
  readonly key?: string;
};

/** `waiting`: for the network, its turn or another page; `failed`: the server does not take a file. */
export type OutgoingState = "waiting" | "uploading" | "paused" | "failed";

/** A message on its way. */
export interface Outgoing extends OutgoingRecord {
  readonly state: OutgoingState;
  /** Bytes of each file that the server has or that are on the way to it, by the key of the file. */
  readonly sent: ReadonlyMap<string, number>;
}

/** `changed`: also when it is new; `posted`: it is in the outbox of the client now; `gone`: it was discarded. */
export type OutgoingChange = { readonly kind: "changed" | "posted" | "gone"; readonly key: string; readonly room: string };

export interface MediaOptions {
  /** Returns a token of the user, as that of the client does. */
  token: GetToken;
  store?: MediaStore;
  transport?: Transport;
  env?: Env;
}

type MediaClient = Pick<Client, "room" | "outbox"> & { readonly media?: MediaOffer | undefined };

interface Running {
  readonly abort: AbortController;
  readonly sent: Map<string, number>;
  isUploading: boolean;
}

/** Uploads files, and sends the messages that they belong to. */
export class Media {
  private readonly _records = new Map<string, OutgoingRecord>();
  private readonly _running = new Map<string, Running>();
  private readonly _listeners = new Set<(change: OutgoingChange) => void>();
  private readonly _store: MediaStore;
  private readonly _env: Env;
  private readonly _tus: Tus;
  private readonly _turns: (() => void)[] = [];
  private _free = AT_ONCE;
  private _isClosed = false;
  private _unfollow = (): void => {};

  constructor(private readonly _client: MediaClient, { token, store, transport, env }: MediaOptions) {
    this._store = store ?? new MemoryMediaStore();
    this._env = env ?? new SystemEnv();
    this._tus = new Tus({ token, transport: transport ?? systemTransport(), env: this._env, url: () => this._url() });
  }

  /** Go on with what is stored. */
  async start(): Promise<void> {
    this._unfollow = this._store.follow((key) => void this._reload(key));
    for (const record of await this._store.load()) this._take(record);
  }

  /** Stop uploading; what is on its way goes on with the next start. */
  close(): void {
    this._isClosed = true;
    this._unfollow();
    for (const { abort } of this._running.values()) abort.abort();
  }

  /** Call `listener` with every change; the returned function ends that. */
  on(listener: (change: OutgoingChange) => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** The messages on their way, the oldest first. */
  get outgoing(): Outgoing[] {
    return [...this._records.keys()].map((key) => this.get(key)!).sort((one, other) => one.composed_at - other.composed_at);
  }

  /** Return a message on its way. */
  get(key: string): Outgoing | undefined {
    const record = this._records.get(key);
    if (!record) return undefined;
    const running = this._running.get(key);
    const state = record.failed ? "failed" : record.paused ? "paused" : running?.isUploading ? "uploading" : "waiting";
    return { ...record, state, sent: running?.sent ?? new Map() };
  }

  /** Send a message with files, at most 10. It is stored here when this resolves, and goes out as soon as it can; returns
   * its key. Rejects with RangeError for no file, or too many. */
  async post(room: string, body: Body, files: readonly NewFile[]): Promise<string> {
    if (!files.length || files.length > FILES_MAX) throw new RangeError(`1 to ${FILES_MAX} files`);
    const complete = files.map((file): OutgoingFile => {
      const name = file.name ?? ("name" in file.blob ? String(file.blob.name) : "");
      return { ...file, key: file.key ?? this._env.key(), name, mime: file.mime || file.blob.type || "application/octet-stream" };
    });
    const record = { key: this._env.key(), room, body, composed_at: this._env.timeMs(), files: complete };
    // It is shown while the bytes of large files are written.
    this._records.set(record.key, record);
    this._tell("changed", record);
    try {
      await this._store.put(record);
    } catch (error) {
      this._records.delete(record.key);
      this._tell("gone", record);
      throw error;
    }
    this._run(record.key);
    return record.key;
  }

  /** Upload a file for another purpose than a message, as an avatar; return its address, `media:` and its id. Rejects with
   * `UploadRefused`. */
  async upload(
    blob: Blob, { kind = "picture", purpose, signal = new AbortController().signal, onProgress }:
      { kind?: FileKind; purpose: Purpose; signal?: AbortSignal; onProgress?: (bytes: number) => void },
  ): Promise<string> {
    const source = { key: this._env.key(), kind, purpose, blob };
    return addressOf(await this._tus.upload(source, { signal, ...(onProgress && { onProgress }) }));
  }

  /** Return the bytes of an own file that is in no message, as a wallpaper. Rejects with `UploadRefused`. */
  own(file: string): Promise<Blob> {
    return this._tus.own(file);
  }

  /** Stop sending a message for now; what the server has of it stays there for two days. */
  async pause(key: string): Promise<void> {
    await this._change(key, { paused: true });
    this._running.get(key)?.abort.abort();
  }

  /** Go on with a message that was paused, or that the server did not take. */
  async resume(key: string): Promise<void> {
    const record = this._records.get(key);
    if (!record) return;
    const { paused, failed, ...rest } = record;
    // The server keeps for a day that it refused an upload: the file begins anew.
    const files = rest.files.map((file) => (file.key === failed?.file ? { ...file, key: this._env.key() } : file));
    await this._keep({ ...rest, files });
    this._run(key);
  }

  /** Send the files of a message as they are, whatever they are: the server then keeps them byte by byte, with all that a
   * camera wrote into them. */
  async sendAsFiles(key: string): Promise<void> {
    const record = this._records.get(key);
    if (!record) return;
    const files = record.files.map((file) => (file.file ? file : { ...file, key: this._env.key(), kind: "file" as const }));
    await this._keep({ ...record, files });
    await this.resume(key);
  }

  /** Do not send a message. */
  async discard(key: string): Promise<void> {
    this._running.get(key)?.abort.abort();
    await this._forget(key, "gone");
  }

  /** Try again now: the system reports a usable network. */
  networkChanged(): void {
    this._tus.networkChanged();
  }

  private _url(): string {
    const { media } = this._client;
    if (!media) throw new UploadRefused("not_supported");
    return media.url;
  }

  private _take(record: OutgoingRecord): void {
    this._records.set(record.key, record);
    this._tell("changed", record);
    this._run(record.key);
  }

  /** Another page changed a record. */
  private async _reload(key: string): Promise<void> {
    const record = await this._store.get(key);
    const known = this._records.get(key);
    if (record && !known) return this._take(record);
    if (!known) return;
    if (record) {
      this._records.set(key, record);
      if (record.paused || record.failed) this._running.get(key)?.abort.abort();
      else this._run(key);
    } else {
      this._records.delete(key);
      this._running.get(key)?.abort.abort();
    }
    this._tell(record ? "changed" : this._client.outbox.some((entry) => entry.key === key) ? "posted" : "gone", known);
  }

  private _run(key: string): void {
    const record = this._records.get(key);
    if (!record || record.paused || record.failed || this._running.has(key) || this._isClosed) return;
    const running: Running = { abort: new AbortController(), sent: new Map(), isUploading: false };
    this._running.set(key, running);
    const work = this._store.alone(key, () => this._send(key, running)).catch(() => {});
    void work.finally(() => {
      this._running.delete(key);
      if (running.abort.signal.aborted) this._run(key);
    });
  }

  private async _send(key: string, running: Running): Promise<void> {
    // Another page may have sent it meanwhile, or paused it.
    const record = await this._store.get(key);
    if (!record || record.paused || record.failed || running.abort.signal.aborted) return;
    this._records.set(key, record);
    running.isUploading = true;
    for (const file of record.files) if (file.file) running.sent.set(file.key, file.blob.size);
    this._tell("changed", record);
    try {
      await Promise.all(record.files.map((file) => this._upload(key, file, running)));
    } catch (error) {
      if (!running.abort.signal.aborted) throw error;
      return;
    }
    await this._post(key);
  }

  private async _upload(key: string, file: OutgoingFile, running: Running): Promise<void> {
    if (file.file) return;
    const { signal } = running.abort;
    await this._turn();
    try {
      stopIfAborted(signal);
      const onProgress = (bytes: number): void => {
        if (running.sent.get(file.key) === bytes) return;
        running.sent.set(file.key, bytes);
        this._tell("changed", this._records.get(key));
      };
      const id = await this._tus.upload(file, { signal, onProgress });
      await this._changeFile(key, file.key, id);
    } catch (error) {
      if (error instanceof UploadRefused) {
        await this._change(key, { failed: { code: error.code, scope: error.scope, file: file.key } });
        running.abort.abort();
      }
      throw error;
    } finally {
      this._free += 1;
      this._turns.shift()?.();
    }
  }

  /** Wait until fewer uploads run than may. */
  private async _turn(): Promise<void> {
    while (this._free < 1) await new Promise<void>((resolve) => this._turns.push(resolve));
    this._free -= 1;
  }

  private async _post(key: string): Promise<void> {
    for (;;) {
      const record = this._records.get(key);
      if (!record) return;
      const body = { ...record.body, attachments: record.files.map(attachmentOf) };
      try {
        await this._client.room(record.room).post(body, { key, composed_at: record.composed_at });
        return await this._forget(key, "posted");
      } catch {
        await new Promise<void>((resolve) => this._env.callLater(OUTBOX_FULL_S, resolve));
      }
    }
  }

  private _changeFile(key: string, file: string, id: string): Promise<void> {
    const files = this._records.get(key)?.files.map((one) => (one.key === file ? { ...one, file: id } : one));
    return this._change(key, files ? { files } : {});
  }

  private async _change(key: string, change: Partial<OutgoingRecord>): Promise<void> {
    const record = this._records.get(key);
    if (record) await this._keep({ ...record, ...change });
  }

  private async _keep(record: OutgoingRecord): Promise<void> {
    // At once: what is changed next is changed of this.
    this._records.set(record.key, record);
    await this._store.put(record);
    this._tell("changed", record);
  }

  private async _forget(key: string, kind: "posted" | "gone"): Promise<void> {
    const record = this._records.get(key);
    // First, so that an upload that ends meanwhile does not keep it again.
    this._records.delete(key);
    await this._store.remove(key);
    this._tell(kind, record);
  }

  private _tell(kind: OutgoingChange["kind"], record: OutgoingRecord | undefined): void {
    if (record) for (const listener of [...this._listeners]) listener({ kind, key: record.key, room: record.room });
  }
}

/** The attachment that a file becomes; the server writes again what it measured itself. */
function attachmentOf({ file, mime, name, alt, width, height, duration, waveform }: OutgoingFile): Attachment {
  return {
    url: addressOf(file!), mime, ...(name && { name }), ...(alt && { alt }), ...(width && { width }), ...(height && { height }),
    ...(duration && { duration }), ...(waveform && { waveform }),
  };
}
