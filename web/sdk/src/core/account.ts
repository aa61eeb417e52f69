/** The local copy of one account: its rooms, its position in the change feed, the presence of others; pure.
 *
 * It takes the replies and pushes of the server, moves the replicas and tells its delegate what changed and what has to
 * be fetched; rows to be stored are collected for `records`.
 */

import { AccountRows, splitPlace, type Place } from "./account_rows.js";
import type { Change } from "./changes.js";
import type { AccountRow, Event, HelloReply, Packet, PresenceEntry, Push, RoomSummary, SyncPage } from "./packets.js";
import type { Row, Tables } from "./records.js";
import { EVERYBODY_MEMBERS_MAX, Replica, type Owner, type RoomRecord } from "./replica.js";

/** The rest of the client, as an account sees it. All calls are synchronous and in the order of events. */
export interface AccountDelegate {
  /** Hand a change to the app. */
  onChange(change: Change): void;
  /** Shows that a user is typing. */
  readonly typingState: { typing(push: { room: string; user: string; what?: string }): void };
  /** Repair the hole before the early events of a room. */
  onGap(replica: Replica): void;
  /** Fetch what a room has beyond what was applied, if it is wanted. */
  onBehind(replica: Replica): void;
  /** Begin a sync: more account rows changed than were sent. */
  onMoreRows(): void;
  /** Take an own message, wherever in the log, as the acknowledgement of its entry in the outbox. */
  onOwnMessage(event: Event): void;
  /** Have `records` stored, once what happens now is over. */
  onUnstored(): void;
}

/** The states of a user that are not `offline`, as which any other is taken (protocol.md, "Forward compatibility"). */
const PRESENCES = ["online", "away"];

/** The reasons of a `gone` that are not `removed`, as which any other is taken. */
const GONE_REASONS = ["left", "banned", "deleted"];

/** The state of a watched user; `last_seen` in Unix milliseconds, 0 if unknown. */
export interface Presence {
  readonly state: string;
  readonly last_seen: number;
}

export type Totals = NonNullable<SyncPage["totals"]>;

/** The local copy of one account; that of people (core/people.ts) has more. */
export class Account implements Owner {
  user = "";
  epoch = "";
  cursor = "";
  totals: Totals = { rooms: 0, unread: 0, mentions: 0 };
  focused: readonly string[] = [];
  readonly replicas = new Map<string, Replica>();
  readonly presence = new Map<string, Presence>();
  readonly rows = new AccountRows();
  everybodyMax = EVERYBODY_MEMBERS_MAX;
  /** Feature words to ask for, beside those of the encoding (protocol.md, "hello"). */
  readonly asked: readonly string[] = ["account"];
  private _listed: Set<string> | undefined;
  // What changed and is not stored: keys of `account`, places of rows, rooms.
  private readonly _unstored = {
    account: new Set<string>(), rows: new Set<Place>(), rooms: new Set<string>(),
  };

  constructor(protected readonly _delegate: AccountDelegate, private readonly _kept: number) {}

  // Packets of the server.

  /** Take the hello reply except for its sync page; another epoch resets everything that is numbered (protocol.md,
   * "Identifiers and counters"). */
  takeHello(reply: HelloReply): void {
    this.user = reply.user;
    this.everybodyMax = reply.limits?.full_delivery_members ?? EVERYBODY_MEMBERS_MAX;
    this._store("account", "user");
    if (reply.epoch === this.epoch) return;
    this.cursor = "";
    this.epoch = reply.epoch;
    for (const replica of this.replicas.values()) {
      replica.reset();
      this._store("rooms", replica.room);
      // Screens draw the room again, empty, and ask for it.
      this._delegate.onChange({ kind: "timelineReset", room: replica.room });
    }
    this._changedRows(this.rows.clear());
    this._store("account", "epoch");
    this._store("account", "cursor");
  }

  /** Take one page of a sync; return the `more` to ask next, empty after the last page (protocol.md, "sync"). */
  takeSync(page: SyncPage): string {
    if (page.full) this._listed ??= new Set();
    for (const summary of page.rooms ?? []) this.takeSummary(summary);
    for (const room of page.gone ?? []) this.lose(room, "removed");
    if (page.totals) {
      this.totals = page.totals;
      this._store("account", "totals");
    }
    this._changedRows(this.rows.take(page.sections ?? {}));
    if (page.more) return page.more;
    this._endRound(page.cursor ?? "");
    this._changedRows(this.rows.endRound(page.full_sections ?? []));
    return "";
  }

  /** Begin a sync; an unfinished one before it is void. */
  beginRound(): void {
    this._listed = undefined;
    this.rows.beginRound();
  }

  /** Take a push; unknown types are ignored (protocol.md, "Forward compatibility"). */
  takePush(packet: Packet): void {
    const push = packet as Push;
    switch (push.type) {
      case "event": return this.takeEvents(push.room, push.events);
      case "head": return push.rooms.forEach(({ room, seq, ordinal }) => this.takeHead(room, seq, ordinal));
      case "room": return void this.takeSummary(push.summary);
      case "gone": return this.lose(push.room, GONE_REASONS.includes(push.reason!) ? push.reason! : "removed");
      case "position": return this._on(push.room, (replica) => replica.takePosition(push));
      case "receipts": return this._on(push.room, (replica) => replica.takeReceipts(push.receipts));
      case "typing": return this._delegate.typingState.typing(push);
      case "voice": return this._delegate.onChange({ ...push, kind: "voice" });
      case "presence": return this.takePresence(push.users);
      case "account":
        this._changedRows(this.rows.take(push.sections ?? {}));
        return push.more ? this._delegate.onMoreRows() : undefined;
      case "ping":
      case "bye":
        // Valid only on top of a finished round: before that, pages are still missing.
        if (push.cursor && this.cursor) this._moveCursor(push.cursor);
    }
  }

  /** Take events of a room, pushed or acknowledged. */
  takeEvents(room: string, events: readonly Event[]): void {
    const replica = this.replica(room);
    this.matchOwn(events);
    this.publish(replica, replica.feed(events));
    if (replica.timeline.buffer.size) this._delegate.onGap(replica);
  }

  /** Take the summary of a page, a push or a reply. */
  takeSummary(packet: RoomSummary): Replica {
    const replica = this.replica(packet.room);
    this._listed?.add(packet.room);
    this.matchOwn(packet.events ?? []);
    this.publish(replica, replica.takeSummary(packet));
    this._check(replica);
    return replica;
  }

  /** Take the head of a room that moved; its content was not sent. */
  takeHead(room: string, seq: number, ordinal = 0): void {
    this._on(room, (replica) => replica.takeHead(seq, ordinal));
    this._check(this.replica(room));
  }

  /** Take the presence of users. */
  takePresence(users: readonly PresenceEntry[]): void {
    for (const { user, state: named = "", last_seen = 0 } of users) {
      const state = PRESENCES.includes(named) ? named : "offline";
      this.presence.set(user, { state, last_seen });
      this._delegate.onChange({ kind: "presenceChanged", user, state, last_seen });
    }
  }

  // For the rest of the client.

  /** Return the replica of a room; a push may name a room before any page listed it (protocol.md, "sync"). */
  replica(room: string): Replica {
    let replica = this.replicas.get(room);
    if (!replica) this.replicas.set(room, (replica = this.peek(room)));
    return replica;
  }

  /** Return the replica of a room for reading; an unknown room is not added. */
  peek(room: string): Replica {
    return this.replicas.get(room) ?? this._make(room);
  }

  protected _make(room: string): Replica {
    return new Replica(room, this);
  }

  /** Publish what changed in a room and have it stored. */
  publish(replica: Replica, changes: Iterable<Change>): void {
    for (const change of changes) this._delegate.onChange(change);
    if (!this.focused.includes(replica.room)) replica.trim(this._kept);
    this._store("rooms", replica.room);
  }

  /** Report the own messages among `events`, whatever their position (protocol.md, "Positions, gaps and repair"). */
  matchOwn(events: readonly Event[]): void {
    for (const event of events) {
      if (event.user === this.user && event.kind === "message") this._delegate.onOwnMessage(event);
    }
  }

  /** Remove a room that this user is no longer in. */
  lose(room: string, reason: string): void {
    if (!this.replicas.delete(room)) return;
    this._store("rooms", room);
    this._delegate.onChange({ kind: "roomGone", room, reason });
  }

  /** Drop what is cached of a room. */
  forget(room: string): void {
    const replica = this.replicas.get(room);
    replica?.timeline.forget();
    if (replica) this._store("rooms", room);
  }

  /** Drop the cursor, so that the next sync is a full one (4005). */
  dropCursor(): void {
    this._moveCursor("");
  }

  // Storing.

  /** Load what is stored; whatever was here before is dropped. */
  restore(tables: Tables): void {
    const { device: _, ...known } = Object.fromEntries(tables.account ?? []);
    Object.assign(this, { user: "", epoch: "", cursor: "", ...known });
    this.replicas.clear();
    this.rows.clear();
    for (const [room, record] of tables.rooms ?? []) this.replica(room).restore(record as RoomRecord);
    for (const [place, row] of tables.account_rows ?? []) this.rows.adopt(place as Place, row as AccountRow);
    // What was just read need not be written.
    this.records();
  }

  /** Return the rows that changed since the last call: the cursor last, so that it is never ahead of the others
   * (protocol.md, "sync"). */
  records(): Row[] {
    const { account, rows, rooms } = this._unstored;
    const found: Row[] = [];
    for (const room of rooms) {
      const replica = this.replicas.get(room);
      if (replica) found.push(...replica.timeline.rows(), { table: "rooms", key: room, value: replica.record() });
      else found.push({ table: "messages", key: [room] }, { table: "rooms", key: room });
    }
    for (const place of rows) found.push({ table: "account_rows", key: place, ...valued(this.rows.row(place)) });
    for (const key of account) found.push({ table: "account", key, ...valued(this[key as "user"] || undefined) });
    for (const set of [account, rows, rooms]) set.clear();
    return found;
  }

  protected _store(table: "account" | "rows" | "rooms", key: string): void {
    (this._unstored[table] as Set<string>).add(key);
    this._delegate.onUnstored();
  }

  protected _changedRows(places: readonly Place[]): void {
    for (const place of places) {
      const [section, name] = splitPlace(place);
      this._store("rows", place);
      this._delegate.onChange({ kind: "accountChanged", section, name });
    }
  }

  private _moveCursor(cursor: string): void {
    this.cursor = cursor;
    this._store("account", "cursor");
  }

  // Rooms.

  private _on(room: string, take: (replica: Replica) => Iterable<Change>): void {
    const replica = this.replica(room);
    this.publish(replica, take(replica));
  }

  private _check(replica: Replica): void {
    if (replica.timeline.buffer.size) this._delegate.onGap(replica);
    else if (replica.timeline.behind) this._delegate.onBehind(replica);
  }

  private _endRound(cursor: string): void {
    const { _listed: listed } = this;
    this._listed = undefined;
    if (listed) {
      for (const room of [...this.replicas.keys()]) if (!listed.has(room)) this.lose(room, "forgotten");
    }
    if (cursor) this._moveCursor(cursor);
  }
}

function valued(value: unknown): { value?: unknown } {
  return value === undefined ? {} : { value };
}
