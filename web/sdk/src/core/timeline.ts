/** The log of one room as this client knows it: what was applied, what is missing, what is cached; pure.
 *
 * This is the state machine of protocol.md, "Positions, gaps and repair", under these names: `new` is the opposite of
 * `started`, `early` is `buffer`, and `page` and `cover` are `takePage` and `validate`.
 */

import type { Change } from "./changes.js";
import { Intervals, type Interval } from "./intervals.js";
import { changedBy, emptied, eventFrom, isOperation, messageFrom, OPERATIONS, targetsOf, type Message, type Page } from "./messages.js";
import type { ChangesReply, Event, HistoryReply, LogReply } from "./packets.js";
import { Recent } from "./recent.js";
import type { Row } from "./records.js";

/** Early events kept (protocol.md, "Positions, gaps and repair"); a longer hole is repaired from the log anyway. */
const BUFFER_MAX = 64;

/** Events behind the head above which the newest page is fetched instead of everything between. */
const JUMP_DISTANCE = 500;

/** Events above which a room that was never opened begins at its end, not at its beginning. */
const START_DISTANCE = 50;

/** The next request of a repair: `log` from a number to another, or "jump", `history` for the newest page. */
export type Plan = { readonly from: number; readonly to: number } | "jump";

type Report = (old: Message | undefined, now: Message) => void;

/** The log of one room. Methods that take a packet of the server return what it changed. */
export class Timeline {
  firstVisible = 1;
  logFloor = 1;
  applied = 0;
  /** Whether a position in the log was ever taken. */
  started = false;
  head = 0;
  /** The highest number that the server announced without sending the event. */
  announced = 0;
  ordinal = 0;
  buffer = new Map<number, Event>();
  readonly cached = new Intervals();
  readonly messages = new Map<number, Message>();
  /** Events that are neither messages nor operations. */
  readonly notes = new Map<number, Event>();
  private _recent = new Recent(0);
  /** Stretches whose messages are stored and not loaded. */
  readonly aside = new Intervals();
  // The numbers whose rows are to be written, and whether all rows before are void: those of a room that was lost, too.
  private _unstored = new Set<number>();
  private _voided = true;

  constructor(readonly room: string, private readonly _owner: { readonly user: string }) {}

  /** Forget everything but the bounds, as a new epoch demands (protocol.md, "What the server guarantees"). */
  reset(): void {
    this.started = false;
    this.buffer.clear();
    this._moveTo(this.firstVisible - 1);
    this.head = this.announced = this.ordinal = 0;
    this.forget();
  }

  /** Drop the cache, and keep the position. */
  forget(): void {
    this.cached.clear();
    this.messages.clear();
    this.notes.clear();
    this._unstored.clear();
    this.aside.clear();
    this._voided = true;
  }

  /** Whether the log goes on beyond `applied`. */
  get behind(): boolean {
    return this.head > this.applied;
  }

  /** Whether the server announced events that it did not send: nothing will close that hole by itself. */
  get knownHole(): boolean {
    return this.announced > this.applied;
  }

  /** Continue at a position stored by an earlier run; nothing is cached. */
  resume(applied: number): void {
    this.started = true;
    this._moveTo(applied);
  }

  /** Note that the room is at `seq` at least, as a summary, a `head` or a reply says. */
  heard(seq: number, ordinal = 0): void {
    this.announced = Math.max(this.announced, seq);
    this.head = Math.max(this.head, seq);
    this.ordinal = Math.max(this.ordinal, ordinal);
  }

  /** Take the bounds of what the server can still show: messages from `firstVisible`, operations from `logFloor` on. */
  bounds(firstVisible: number, logFloor: number): void {
    // The user left and came back: older messages are no longer visible.
    if (firstVisible > this.firstVisible) {
      this._forgetBelow(firstVisible);
      this.aside.clear();
      this._voided = true;
    }
    this.firstVisible = firstVisible;
    this.logFloor = logFloor;
    if (!this.started || this.applied < firstVisible - 1) this._moveTo(firstVisible - 1);
  }

  // Events, pushed or replayed.

  /** Take events in any order and number. */
  feed(events: Iterable<Event>): Change[] {
    const out: Change[] = [];
    // Early events may follow on now, when the bounds moved.
    this._drain(out);
    for (const event of events) this._take(event, out);
    return out;
  }

  private _take(event: Event, out: Change[]): void {
    const { seq } = event;
    this.head = Math.max(this.head, seq);
    this.ordinal = Math.max(this.ordinal, event.ordinal ?? 0);
    if (seq <= this.applied) return;
    if (!this.started) {
      this.started = true;
      if (seq - 1 - this.applied > START_DISTANCE) this._moveTo(seq - 1);
    }
    if (seq > this.applied + 1) {
      this.buffer.set(seq, event);
      if (this.buffer.size > BUFFER_MAX) this.buffer.clear();
      return;
    }
    this._apply(event, out);
    this._drain(out);
  }

  private _drain(out: Change[]): void {
    for (let event; (event = this.buffer.get(this.applied + 1)); ) {
      this.buffer.delete(event.seq);
      this._apply(event, out);
    }
  }

  private _apply(event: Event, out: Change[]): void {
    const { seq, kind } = event;
    if (kind === "message") out.push({ kind: "messageAdded", room: this.room, message: this._keep(event)[1] });
    else if (isOperation(kind)) {
      this._operate(event, out);
      this._recent.add(event);
    } else {
      this._note(event);
      out.push({ kind: "eventAdded", room: this.room, event });
    }
    this.cached.advance(this.applied, seq);
    this.applied = seq;
  }

  private _operate(event: Event, out: Change[]): void {
    for (const target of targetsOf(event, this.messages)) {
      const part = this.cached.holding(target.seq);
      if (!part) continue;
      if (part[2] >= this.applied) this.put(changedBy(target, event, this._owner.user), out);
      else if (OPERATIONS[event.kind] === emptied && !target.recalled) this.put(emptied(target), out);
    }
  }

  // Replies.

  /** Return the next request needed to catch up with `head`; undefined when there is nothing to repair. */
  plan(): Plan | undefined {
    if (!this.behind) return undefined;
    const distanceMax = this.started ? JUMP_DISTANCE : START_DISTANCE;
    if (this.head - this.applied > distanceMax || this.applied < this.logFloor - 1) return "jump";
    return { from: this.applied + 1, to: this.head };
  }

  /** Take a `log` reply; false with the changes: the log does not reach back so far, or did not help, and the newest
   * page is needed. */
  takeLog(reply: LogReply): [helped: boolean, changes: Change[]] {
    const before = this.applied;
    this.heard(reply.seq ?? 0);
    if (reply.reset) {
      const { first_visible = 1, log_floor = 1 } = reply;
      this.bounds(Math.max(this.firstVisible, first_visible), Math.max(this.logFloor, log_floor));
      return [false, []];
    }
    const changes = this.feed(reply.events);
    return [this.applied > before || !this.behind, changes];
  }

  /** Take the newest page as the new end (`jump` in protocol.md, "Positions, gaps and repair"); messages pushed
   * meanwhile are reported as added. */
  takeNewest(reply: HistoryReply): Change[] {
    const { seq } = reply;
    this.heard(seq);
    // It caught up by other means meanwhile.
    if (this.started && seq <= this.applied) return this.takePage(reply);
    const out: Change[] = [{ kind: "timelineReset", room: this.room }];
    const live = new Set([...this.buffer.keys()].filter((number) => number <= seq));
    this.started = true;
    this._moveTo(seq);
    // The messages that had been pushed before the jump took them over.
    this._merge(reply.events, (_, message) => {
      if (live.has(message.seq)) out.push({ kind: "messageAdded", room: this.room, message });
    });
    this.cached.add(this._low(reply), seq, seq);
    this._drain(out);
    return out;
  }

  /** Take a page of history: it caches exactly `low` to `high`, right up to its `seq` (protocol.md, "history"). */
  takePage(reply: HistoryReply): Change[] {
    const out: Change[] = [];
    this.heard(reply.seq);
    this._merge(reply.events, this._corrected(out));
    this._validate(this._low(reply), reply.high, reply.seq, out);
    return out;
  }

  /** Take the `changes` since the `valid` of `asked` between its bounds; below its `next` they are complete
   * (protocol.md, "changes").
   *
   * Only what is still cached, and was right up to that point, is right up to the reply's `seq` now.
   */
  takeChanges(reply: ChangesReply, asked: Interval): Change[] {
    const out: Change[] = [];
    const [low, high, valid] = asked;
    this.heard(reply.seq);
    this._merge(this._cachedAmong(reply.events), this._corrected(out));
    for (const part of this.cached.within(low, Math.min(high, (reply.next ?? high + 1) - 1))) {
      if (part[2] >= valid) this._validate(part[0], part[1], reply.seq, out);
    }
    return out;
  }

  /** Take single messages: those inside a cached stretch are brought up to date, others are not kept. */
  takeMessages(events: readonly Event[]): Change[] {
    const out: Change[] = [];
    this._merge(this._cachedAmong(events), this._corrected(out));
    return out;
  }

  private _cachedAmong(events: readonly Event[]): Event[] {
    return events.filter((event) => this.cached.holding(event.seq));
  }

  /** Cache these numbers as they were at `valid`; bring them on to `applied` if possible. */
  private _validate(low: number, high: number, valid: number, out: Change[]): void {
    if (this._recent.since <= valid && valid < this.applied) {
      for (const operation of this._recent.after(valid)) {
        for (const target of targetsOf(operation, this.messages)) {
          if (low <= target.seq && target.seq <= high) this.put(changedBy(target, operation, this._owner.user), out);
        }
      }
      valid = this.applied;
    }
    this.cached.add(low, high, valid);
  }

  private _merge(events: readonly Event[], report: Report): void {
    for (const event of events) {
      if (event.kind === "message") report(...this._keep(event));
      else this._note(event);
    }
  }

  private _note(event: Event): void {
    this.notes.set(event.seq, event);
    this._unstored.add(event.seq);
  }

  /** Return a report of the messages that a page corrected; new ones are the answer to a request and need none. */
  private _corrected(out: Change[]): Report {
    return (old, message) => {
      if (old && JSON.stringify(old) !== JSON.stringify(message)) {
        out.push({ kind: "messageChanged", room: this.room, message });
      }
    };
  }

  /** Keep the later of two states of a message; return what was held and what is held now. */
  private _keep(event: Event): [Message | undefined, Message] {
    const old = this.messages.get(event.seq);
    let now = messageFrom(this.room, event);
    if (old && old.changed > now.changed) return [old, old];
    // The recall overtook this event; a recalled text never comes back.
    if (old?.recalled && !now.recalled) now = emptied(now);
    this.messages.set(now.seq, now);
    this._unstored.add(now.seq);
    return [old, now];
  }

  private _low(reply: HistoryReply): number {
    return reply.end ? Math.min(reply.low, this.firstVisible) : reply.low;
  }

  /** Replace a message, and report it if it is another. */
  put(message: Message, out: Change[]): void {
    if (this.messages.get(message.seq) === message) return;
    this.messages.set(message.seq, message);
    this._unstored.add(message.seq);
    out.push({ kind: "messageChanged", room: this.room, message });
  }

  private _moveTo(applied: number): void {
    this.applied = applied;
    this._recent = new Recent(applied);
    for (const seq of this.buffer.keys()) if (seq <= applied) this.buffer.delete(seq);
  }

  // The cache.

  /** Return the cached messages from `low` to `high`, ascending. */
  between(low: number, high: number): Message[] {
    const found = [...this.messages.values()].filter(({ seq }) => low <= seq && seq <= high);
    return found.sort((one, other) => one.seq - other.seq);
  }

  /** Return the `limit` messages below `before`, if the cache holds them without a hole and up to date. */
  pageBefore(before: number, limit: number): Page | undefined {
    let low = this.cached.coveredDownFrom(before - 1);
    if (low >= before || this.cached.stale(low, before - 1, this.applied)) return undefined;
    let end = low <= this.firstVisible;
    let messages = this.between(low, before - 1);
    if (messages.length > limit) {
      messages = messages.slice(-limit);
      end = false;
      low = messages[0]!.seq;
    } else if (messages.length < limit && !end) return undefined;
    return { messages, low, high: before - 1, seq: this.applied, end };
  }

  /** Keep the newest `kept` messages and other events. */
  trim(kept: number): void {
    if (this.messages.size + this.notes.size <= kept) return;
    const seqs = [...this.messages.keys(), ...this.notes.keys()].sort((one, other) => one - other);
    this._forgetBelow(kept ? seqs.at(-kept)! : this.applied + 1);
  }

  private _forgetBelow(floor: number): void {
    this.cached.forgetBelow(floor);
    // The newest page, taken before they were loaded, may have replaced a part of them.
    this.aside.forgetBelow(floor);
    for (const held of [this.messages, this.notes]) {
      for (const seq of held.keys()) {
        if (seq >= floor) continue;
        held.delete(seq);
        this._unstored.add(seq);
      }
    }
  }

  // Storage.

  /** The stretches that are stored or to be stored, in no order. */
  get stretches(): readonly Interval[] {
    return [...this.aside.parts, ...this.cached.parts];
  }

  /** Continue with stretches that are stored, and stay so; until their messages are loaded, nothing is known of them. */
  setAside(stretches: readonly Interval[]): void {
    this.cached.clear();
    this.aside.parts = stretches;
    this._voided = false;
  }

  /** Take the messages of the stretches that were set aside, which are older than what is here: rows of other numbers are
   * void. */
  takeStored(events: readonly Event[]): void {
    const { aside, messages, notes } = this;
    const { parts } = aside;
    for (const event of events) {
      const { seq } = event;
      if (messages.has(seq) || notes.has(seq)) continue;
      if (!aside.holding(seq)) this._unstored.add(seq);
      else if (event.kind === "message") messages.set(seq, messageFrom(this.room, event));
      else notes.set(seq, event);
    }
    aside.clear();
    for (const [low, high, valid] of parts) this._validate(low, high, valid, []);
  }

  /** Return the rows of messages and other events that changed since the last call. */
  rows(): Row[] {
    const { room } = this;
    const rows: Row[] = [];
    if (this._voided) {
      rows.push({ table: "messages", key: [room] });
      for (const held of [this.messages, this.notes]) for (const seq of held.keys()) this._unstored.add(seq);
    }
    for (const seq of this._unstored) {
      const message = this.messages.get(seq);
      const value = message ? eventFrom(message) : this.notes.get(seq);
      rows.push({ table: "messages", key: [room, seq], ...(value && { value }) });
    }
    this._voided = false;
    this._unstored.clear();
    return rows;
  }
}
