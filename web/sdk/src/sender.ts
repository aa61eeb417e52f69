/** The way of the outbox to the server: an entry is stored, sent in its turn, and completed when it is answered.
 *
 * The decisions are in outbox.ts; here are the storage and the connection.
 */

import type { ChangeFeed } from "./change_feed.js";
import type { Connection, Reply } from "./connection.js";
import type { Account } from "./core/account.js";
import { eventOf } from "./core/acks.js";
import { sendable, type Codec } from "./core/codec.js";
import { ChatError, OutboxFull } from "./core/errors.js";
import { HELLO_FRAME_BYTES, LIMITS, type Limits } from "./core/limits.js";
import { Outbox, tooLargeError, type Entry, type EntryRecord, type Window } from "./core/outbox.js";
import type { Ack, Event, Packet } from "./core/packets.js";
import type { Row, Tables } from "./core/records.js";
import type { Timing } from "./core/timing.js";
import type { Env, Timer } from "./env.js";
import type { Settings } from "./settings.js";

/** The proof that the server stored a mutation durably. `seq` and `ordinal` are 0 where nothing was logged or counted. */
export interface Receipt {
  readonly room: string;
  readonly key: string;
  readonly seq: number;
  readonly ordinal: number;
  /** Unix milliseconds, clock of the server. */
  readonly time: number;
  /** Whether the server had it already. */
  readonly duplicate: boolean;
}

/** Writes rows and tells the other tabs; resolves when they are committed. */
export type Store = (rows: readonly Row[], durable: boolean) => Promise<void>;

/** What a job of the engine works with; the codec is there once the engine has started. */
export interface Tools {
  readonly codec: Codec;
  readonly env: Env;
  readonly settings: Settings;
  readonly timing: Timing;
  readonly log: (text: string) => void;
}

/** The job that sends the outbox of one account. */
export class Sender {
  readonly outbox: Outbox;
  /** The limits of the server, as it named them last. */
  limits: Limits = LIMITS;
  private _connection: Connection | undefined;
  private _window: Window = windowOf(LIMITS);
  private _timer: Timer | undefined;

  constructor(
    private readonly _store: Store,
    private readonly _account: Account,
    private readonly _feed: ChangeFeed,
    private readonly _tools: Tools,
  ) {
    this.outbox = new Outbox(_tools.timing.laterS);
  }

  /** Load the mutations that are stored; whatever was here before is dropped. */
  restore(tables: Tables): void {
    this.outbox.clear();
    const records = [...(tables.outbox?.values() ?? [])] as EntryRecord[];
    for (const record of records.sort((one, other) => one.order - other.order)) this.add(record);
  }

  /** Put a mutation into the outbox; when it resolves, it is stored and survives a power loss.
   *
   * `rows` are written in the same transaction. Rejects with `ChatError` `too_large` if it fits no frame, `OutboxFull`,
   * TypeError if no server would take it, and whatever the storage says if it cannot be stored.
   */
  async post(given: Packet, rows: readonly Row[] = []): Promise<Entry> {
    if (this.outbox.size >= this._tools.settings.outboxMax) throw new OutboxFull();
    const packet = sendable(given);
    const entry = this.outbox.entry(packet, this._size(packet));
    if (entry.size > this.limits.frame_bytes) throw tooLargeError(entry.size, this.limits.frame_bytes);
    try {
      await this._store([...rows, rowOf(entry)], true);
    } catch (error) {
      // The disk is full: it was not promised, so it must not be sent.
      void this._store([{ table: "outbox", key: entry.key }], false).catch(() => {});
      throw error;
    }
    this.outbox.add(entry);
    this._feed.emit({ kind: "sendQueued", room: entry.room, key: entry.key });
    this.flush();
    return entry;
  }

  /** Try a failed entry again, with the key it always had. False if there is no such entry. */
  resend(key: string): boolean {
    const entry = this.outbox.resend(key);
    if (!entry) return false;
    this._write(rowOf(entry));
    this._feed.emit({ kind: "sendQueued", room: entry.room, key });
    this.flush();
    return true;
  }

  /** Remove an entry that is not in flight. False if there is no such entry. */
  discard(key: string): boolean {
    const entry = this.outbox.discard(key);
    if (!entry) return false;
    this._write({ table: "outbox", key });
    this._feed.emit({ kind: "sendDiscarded", room: entry.room, key });
    return true;
  }

  // The connection.

  /** Send behind the hello as much as fits the small frames allowed there (protocol.md, "States"). */
  opened(connection: Connection): void {
    this._connection = connection;
    this._window = { ...windowOf(LIMITS), frameBytes: HELLO_FRAME_BYTES };
    this.flush();
  }

  /** Take the limits and send the rest. */
  ready(limits: Limits): void {
    this.limits = limits;
    this._window = windowOf(limits);
    for (const entry of this.outbox.tooLarge(limits.frame_bytes)) {
      const error = tooLargeError(entry.size, limits.frame_bytes);
      this.outbox.reject(entry, error);
      this._failed(entry, error);
    }
    this.flush();
  }

  /** Forget the connection; it has completed every request whose answer will never come. */
  lost(): void {
    this._connection = undefined;
    this._timer?.cancel();
    this._timer = undefined;
  }

  /** Send everything that may be sent now. */
  flush(): void {
    const { _connection: connection } = this;
    if (!connection?.alive) return;
    const now = this._tools.env.monotonic();
    for (const frame of this.outbox.take(now, this._window)) {
      connection.askTogether(frame.map((entry) => [entry.packet, (reply) => this._answered(entry, reply)]));
    }
    const at = this.outbox.nextAt(now);
    this._timer?.cancel();
    this._timer = at === undefined ? undefined : this._tools.env.callLater(at - now, () => this.flush());
  }

  /** Take an own message, wherever it is in the log, as an acknowledgement (protocol.md, "Positions, gaps and
   * repair"). */
  ownMessage(event: Event): void {
    const { key = "", seq, ordinal = 0, time = 0 } = event;
    const entry = this._leave(key);
    if (!entry) return;
    this._feed.emit({ kind: "sendDone", room: entry.room, key, seq, ordinal, time, duplicate: false });
    this.flush();
  }

  // Answers.

  private _answered(entry: Entry, reply: Reply): void {
    if (reply === undefined) this.outbox.unknown(entry);
    else if (reply instanceof ChatError) this._refused(entry, reply);
    else this._accepted(entry, reply);
    this.flush();
  }

  private _accepted(entry: Entry, ack: Ack): void {
    const { room, key, packet } = entry;
    const wasHere = this._leave(key);
    const event = eventOf(packet, ack, this._account.user);
    if (event) this._account.takeEvents(room, [event]);
    else if (packet.type === "react") {
      const replica = this._account.replica(room);
      this._account.publish(replica, replica.takeOwnReaction(packet.target, packet.emoji, packet.set));
    }
    const { seq = 0, ordinal = 0, time = 0, duplicate = false } = ack;
    if (wasHere) this._feed.emit({ kind: "sendDone", room, key, seq, ordinal, time, duplicate });
  }

  private _leave(key: string): Entry | undefined {
    const entry = this.outbox.done(key);
    if (entry) this._write({ table: "outbox", key });
    return entry;
  }

  private _refused(entry: Entry, error: ChatError): void {
    if (!this.outbox.has(entry.key)) return;
    const state = this.outbox.refused(entry, error, this._tools.env.monotonic());
    if (state === "failed") this._failed(entry, error);
    else this._feed.emit({ kind: "sendDelayed", room: entry.room, key: entry.key, error: error.packet });
  }

  private _failed(entry: Entry, error: ChatError): void {
    this._write(rowOf(entry));
    this._feed.emit({ kind: "sendFailed", room: entry.room, key: entry.key, error: error.packet });
  }

  /** Add a stored mutation to the outbox. */
  add(record: EntryRecord): void {
    this.outbox.add(this.outbox.restored(record, this._size(record.packet)));
  }

  private _size(packet: Packet): number {
    const { codec } = this._tools;
    return codec.size(codec.encode(packet));
  }

  private _write(row: Row): void {
    this._store([row], false).catch((error: unknown) => this._tools.log(`not stored: ${error}`));
  }
}

function windowOf({ frame_bytes, batch, in_flight }: Limits): Window {
  return { frameBytes: frame_bytes, batch, inFlight: in_flight };
}

function rowOf(entry: Entry): Row {
  return { table: "outbox", key: entry.key, value: entry.record() };
}
