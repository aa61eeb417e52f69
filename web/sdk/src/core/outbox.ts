/** The mutations of this client until the server has acknowledged them; pure, time comes in as an argument.
 *
 * Each entry is one mutation, with the key that makes it idempotent for ever (protocol.md, "The outbox of a client"):
 *
 *     queued -> inflight -> done (leaves the outbox)
 *        ^         |
 *        |         +-> failed (stays, until resent with the same key or discarded)
 *        +---------+   a drop, or a refusal for now
 *
 * Order: each room is a lane. A lane has at most one unanswered frame; a frame holds either several sends in order (the
 * server aborts the rest when one fails for now) or one other operation (it has no such rule for those).
 *
 * After `rate_limited` the lane waits as long as its refusal says, and if the limit is not one of the room, lanes that
 * were not refused wait until those that were have had their time. A lane that was slowed down sends one packet a frame
 * until it is empty.
 */

import { BATCH_MAX } from "./codec.js";
import { ChatError } from "./errors.js";
import type { ErrorReply, Packet } from "./packets.js";

/** Room for the request id in either encoding. */
const ID_BYTES = 12;

/** Longest pause after refusals that name none. */
const PAUSE_CAP_S = 60;

/** The states of an entry. */
export type State = "queued" | "inflight" | "failed";

/** The part of an entry that survives a restart; `error` is the refusal it failed by. */
export interface EntryRecord {
  readonly packet: Packet;
  readonly order: number;
  readonly failed: boolean;
  readonly error?: ErrorReply;
}

/** One mutation in the outbox. `packet` is the request without `id`; `size` its bytes on the wire. */
export class Entry {
  state: State = "queued";
  /** The refusal it failed by, or waits after. */
  error: ErrorReply | undefined;

  constructor(readonly packet: Packet, readonly order: number, readonly size: number) {}

  get key(): string {
    return this.packet.key;
  }

  get room(): string {
    return this.packet.room;
  }

  /** Whether the entry may share a frame with its neighbours. */
  get isSend(): boolean {
    return this.packet.type === "send";
  }

  /** Return the part that survives a restart. */
  record(): EntryRecord {
    const { packet, order, error } = this;
    return { packet, order, failed: this.state === "failed", ...(this.state === "failed" && error && { error }) };
  }
}

/** The time of the next frame, and whether it may hold more than one packet. */
class Pace {
  openAt = 0;
  slow = false;
  private _refusals = 0;

  /** Note that a request was accepted. */
  answered(): void {
    this._refusals = 0;
  }

  /** Note a refusal for now; without `retry_after` the pause doubles from `laterS`. */
  refused(error: ChatError, now: number, laterS: number): void {
    const { retry_after } = error;
    const pause = retry_after !== undefined ? retry_after / 1000 : Math.min(PAUSE_CAP_S, laterS * 2 ** this._refusals++);
    this.openAt = Math.max(this.openAt, now + pause);
    this.slow ||= error.code === "rate_limited";
  }
}

/** The entries of one room that are queued or in flight, in order. */
class Lane {
  readonly entries: Entry[] = [];
  readonly unanswered = new Set<string>();
  readonly pace = new Pace();
  /** Whether its first entry was refused over a limit of all lanes and has a time of its own. */
  wasTold = false;

  /** The time when its next frame may go. */
  openAt(everybody: Pace): number {
    return this.wasTold ? this.pace.openAt : Math.max(this.pace.openAt, everybody.openAt);
  }
}

/** The bounds of what may be taken now: bytes and packets of a frame, unanswered requests at which to stop. */
export interface Window {
  readonly frameBytes: number;
  readonly batch: number;
  readonly inFlight: number;
}

/** The entries of one account. */
export class Outbox {
  private readonly _entries = new Map<string, Entry>();
  private readonly _lanes = new Map<string, Lane>();
  private readonly _pace = new Pace();
  private _unanswered = 0;
  private _order = 0;

  constructor(private readonly _laterS: number) {}

  get size(): number {
    return this._entries.size;
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this._entries.values();
  }

  has(key: string): boolean {
    return this._entries.has(key);
  }

  get(key: string): Entry | undefined {
    return this._entries.get(key);
  }

  /** Return a new entry for a request with `room` and `key`; `add` it once it is stored. */
  entry(packet: Packet, size: number): Entry {
    return new Entry(packet, ++this._order, size + ID_BYTES);
  }

  /** Return the entry of a record; one that was in flight is queued again. */
  restored(record: EntryRecord, size: number): Entry {
    const entry = new Entry(record.packet, record.order, size + ID_BYTES);
    this._order = Math.max(this._order, entry.order);
    if (record.failed) {
      entry.state = "failed";
      entry.error = record.error;
    }
    return entry;
  }

  /** Add a stored entry at its place; of two with one key only the first. */
  add(entry: Entry): void {
    if (this.has(entry.key)) return;
    this._entries.set(entry.key, entry);
    if (entry.state === "queued") this._lane(entry.room).entries.push(entry);
  }

  /** Drop all entries; the storage has them. */
  clear(): void {
    this._entries.clear();
    this._lanes.clear();
    this._unanswered = 0;
  }

  // Taking.

  /** Return the entries to send now: one list per frame, each of one room; they are in flight from here on. */
  take(now: number, window: Window): Entry[][] {
    const frames: Entry[][] = [];
    for (const [room, lane] of [...this._lanes]) {
      if (this._unanswered >= window.inFlight) break;
      if (lane.unanswered.size || now < lane.openAt(this._pace)) continue;
      const frame = this._frame(lane, window);
      if (!frame.length) continue;
      // Moved to the end, so that no room starves another.
      this._lanes.delete(room);
      this._lanes.set(room, lane);
      for (const entry of frame) {
        entry.state = "inflight";
        lane.unanswered.add(entry.key);
      }
      this._unanswered += frame.length;
      lane.wasTold = false;
      frames.push(frame);
    }
    return frames;
  }

  /** Return the time when `take` is worth another call, if nothing but time has to pass. */
  nextAt(now: number): number | undefined {
    const waiting = [...this._lanes.values()].filter((lane) => !lane.unanswered.size);
    const at = Math.min(...waiting.map((lane) => lane.openAt(this._pace)));
    return now < at && at < Infinity ? at : undefined;
  }

  // Answers.

  /** Remove an entry that the server has: by an acknowledgement, or because its event was seen. */
  done(key: string): Entry | undefined {
    const entry = this._entries.get(key);
    if (!entry) return undefined;
    this._entries.delete(key);
    this._pace.answered();
    this._lane(entry.room).pace.answered();
    this._leave(entry);
    return entry;
  }

  /** Take a refusal: failed for good, or queued again at its old place. */
  refused(entry: Entry, error: ChatError, now: number): State {
    if (!this.has(entry.key)) return entry.state;
    this._answered(entry);
    if (error.retry === "never") {
      this.reject(entry, error);
      return entry.state;
    }
    entry.state = "queued";
    entry.error = error.packet;
    if (error.code === "aborted") return entry.state;
    const lane = this._lane(entry.room);
    lane.pace.refused(error, now, this._laterS);
    // A mute names the user, and yet lets them recall: it holds no other room up.
    if (error.code !== "muted" && ["user", "connection", "address"].includes(error.scope!)) {
      this._pace.refused(error, now, this._laterS);
      lane.wasTold = true;
    }
    return entry.state;
  }

  /** Queue an entry again, with the same key: it got no answer, or the connection was lost. */
  unknown(entry: Entry): void {
    if (!this.has(entry.key) || entry.state !== "inflight") return;
    this._answered(entry);
    entry.state = "queued";
  }

  /** Return the queued entries that fit no frame of `limit` bytes. */
  tooLarge(limit: number): Entry[] {
    return [...this].filter((entry) => entry.state === "queued" && entry.size > limit);
  }

  /** Refuse an entry for good. */
  reject(entry: Entry, error: ChatError): void {
    entry.state = "failed";
    entry.error = error.packet;
    this._leave(entry);
  }

  // Requests of the app.

  /** Queue a failed entry again, with its old key, behind what waits. */
  resend(key: string): Entry | undefined {
    const entry = this._entries.get(key);
    if (entry?.state !== "failed") return undefined;
    entry.state = "queued";
    entry.error = undefined;
    this._lane(entry.room).entries.push(entry);
    return entry;
  }

  /** Remove an entry that is not in flight. */
  discard(key: string): Entry | undefined {
    const entry = this._entries.get(key);
    if (!entry || entry.state === "inflight") return undefined;
    this._entries.delete(key);
    this._leave(entry);
    return entry;
  }

  // Lanes.

  /** Return the entries of the next frame of the lane; empty if not even the first one fits. */
  private _frame(lane: Lane, window: Window): Entry[] {
    const count = lane.pace.slow || this._pace.slow ? 1 : Math.min(BATCH_MAX, window.batch);
    // The head of a batch.
    let free = window.frameBytes - 3;
    const frame: Entry[] = [];
    for (const entry of lane.entries) {
      // The comma between two JSON packets.
      free -= entry.size + 1;
      if (free < 0 || frame.length === count || (frame.length && !entry.isSend)) break;
      frame.push(entry);
      if (!entry.isSend) break;
    }
    return frame;
  }

  private _answered(entry: Entry): void {
    if (this._lanes.get(entry.room)?.unanswered.delete(entry.key)) this._unanswered -= 1;
  }

  private _leave(entry: Entry): void {
    const lane = this._lanes.get(entry.room);
    if (!lane) return;
    this._answered(entry);
    const at = lane.entries.indexOf(entry);
    if (at >= 0) lane.entries.splice(at, 1);
    if (!lane.entries.length) this._lanes.delete(entry.room);
    // Full speed again, as nothing waits any more; the pause that the server asked for stays.
    if (!this._lanes.size) this._pace.slow = false;
  }

  private _lane(room: string): Lane {
    let lane = this._lanes.get(room);
    if (!lane) this._lanes.set(room, (lane = new Lane()));
    return lane;
  }
}

/** Return the refusal of a mutation that fits no frame. */
export function tooLargeError(size: number, limit: number): ChatError {
  return new ChatError({ code: "too_large", retry: "never", field: "body", message: `${size} bytes, at most ${limit}` });
}
