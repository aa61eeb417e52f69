/** One room as this client knows it: summary, unread numbers, receipts, and the timeline; pure.
 *
 * The server is the authority for `unread`. Between two of its values the client adds one for each countable message of
 * somebody else that was applied without a hole (protocol.md, "Unread"); `counted` is the `seq`, and `asOf` the
 * ordinal, up to which `unread` is right.
 */

import type { Change } from "./changes.js";
import { eventFrom, messageFrom, withOwnReaction, type Message } from "./messages.js";
import type { Interval } from "./intervals.js";
import type { Event, ReadReply, ReceiptEntry, RoomSummary } from "./packets.js";
import { summaryFrom, type Summary } from "./summary.js";
import { Timeline } from "./timeline.js";

/** Members up to which a mention of `*` counts (protocol.md, "Thresholds"), unless the hello reply says otherwise. */
export const EVERYBODY_MEMBERS_MAX = 500;

/** The user of the account, as their rooms know them. */
export interface Owner {
  readonly user: string;
  /** Members up to which a mention of `*` counts. */
  readonly everybodyMax: number;
}

/** The positions up to which one member has read and received the room, which they see from `first_visible` on. */
export interface MemberReceipt {
  readonly read: number;
  readonly delivered: number;
  readonly first_visible: number;
}

/** The part of a room that survives a restart; `applied` only if the room was ever opened. */
export interface RoomRecord {
  readonly summary: Summary;
  /** Absent as an earlier version stored it; above that of the summary until the server has it. */
  readonly read?: number;
  readonly counted: number;
  readonly as_of: number;
  readonly receipts: readonly (readonly [user: string, receipt: MemberReceipt])[];
  /** What is cached, as [low, high, valid]. */
  readonly cached: readonly Interval[];
  readonly applied?: number;
}

/** The local copy of one room; that of people (people.ts) counts some messages as nothing. */
export class Replica {
  summary: Summary;
  readonly timeline: Timeline;
  readonly receipts = new Map<string, MemberReceipt>();
  read = 0;
  unread = 0;
  unreadMentions = 0;
  counted = 0;
  asOf = 0;

  constructor(readonly room: string, protected readonly _owner: Owner) {
    this.summary = summaryFrom({ room });
    this.timeline = new Timeline(room, _owner);
  }

  /** Forget every position, as a new epoch demands (protocol.md, "Unread"). */
  reset(): void {
    this.timeline.reset();
    this.receipts.clear();
    const { preview: _, ...summary } = this.summary;
    this.summary = summary;
    this.read = this.unread = this.unreadMentions = this.counted = this.asOf = 0;
  }

  /** Replace the summary and apply the `events` it brought (protocol.md, "RoomSummary" and "Positions, gaps and
   * repair"). */
  takeSummary(packet: RoomSummary): Change[] {
    const { preview } = this.summary;
    const now = summaryFrom(packet);
    const summary = { ...(preview && preview.seq >= now.first_visible && { preview }), ...now };
    this.summary = summary;
    this.timeline.bounds(summary.first_visible, summary.log_floor);
    this.timeline.heard(summary.seq, summary.ordinal);
    this.asOf = summary.ordinal;
    this._countFrom(summary.seq, summary.unread, summary.unread_mentions);
    this.read = Math.max(this.read, summary.read);
    if (summary.peer) {
      this._receive({ user: summary.peer, read: summary.peer_read, delivered: summary.peer_delivered });
    }
    return [{ kind: "roomChanged", room: this.room }, ...this.feed(packet.events ?? [])];
  }

  /** Apply events by the gap rules and count what is unread. */
  feed(events: readonly Event[]): Change[] {
    return this.countedIn(this.timeline.feed(events));
  }

  /** Count the messages among `changes`, which the timeline has just applied. */
  countedIn(changes: Change[]): Change[] {
    for (const change of changes) {
      if (change.kind === "messageAdded" && change.message.seq > this.counted) this._count(change.message);
      if (change.kind === "messageAdded" || change.kind === "messageChanged") this._show(change.message);
    }
    this.counted = Math.max(this.counted, this.timeline.applied);
    return changes;
  }

  /** Take a new head; the content is fetched on request (protocol.md, "Positions, gaps and repair"). */
  takeHead(seq: number, ordinal: number): Change[] {
    const known = this.timeline.head;
    this.timeline.heard(seq, ordinal);
    this._unhide(ordinal);
    return seq > known ? [{ kind: "roomMoved", room: this.room, seq, ordinal }] : [];
  }

  /** Take the own read position, moved here or on another device (protocol.md, "Positions, gaps and repair" and
   * "read"). */
  takePosition(packet: ReadReply): Change[] {
    this.read = Math.max(this.read, packet.read);
    this.summary = { ...this.summary, read: packet.read };
    this.asOf = packet.ordinal ?? this.timeline.ordinal;
    this.timeline.heard(this.timeline.head, this.asOf);
    this._countFrom(this.timeline.head, packet.unread, packet.unread_mentions);
    return [{ kind: "roomChanged", room: this.room }];
  }

  /** Take positions of members who have read, or received, more (protocol.md, "receipts"). */
  takeReceipts(receipts: readonly ReceiptEntry[]): Change[] {
    const users = receipts.filter((entry) => this._receive(entry)).map(({ user }) => user);
    return users.length ? [{ kind: "receiptsChanged", room: this.room, users }] : [];
  }

  /** Take an own reaction that is stored though no event carries it (protocol.md, "react", large rooms). */
  takeOwnReaction(target: number, emoji: string, present: boolean): Change[] {
    const held = this.timeline.messages.get(target);
    if (!held || held.mine.includes(emoji) === present) return [];
    const out: Change[] = [];
    this.timeline.put(withOwnReaction(held, emoji, present), out);
    return out;
  }

  /** Raise the own read position; false if it is there already. */
  markRead(seq: number): boolean {
    if (seq <= this.read) return false;
    this.read = seq;
    if (seq >= this.timeline.head) {
      this.unread = this.unreadMentions = 0;
      this.asOf = this.timeline.ordinal;
    }
    return true;
  }

  /** The number of unread messages, with those known only by a head or by a later number (protocol.md, "Unread"). */
  get badge(): number {
    let uncounted = 0;
    for (const event of this.timeline.buffer.values()) {
      if ((event.ordinal ?? 0) > this.asOf && this._isUncounted(event)) uncounted += 1;
    }
    return this.unread + Math.max(0, this.timeline.ordinal - this.asOf - uncounted);
  }

  /** The latest message that is known. */
  get preview(): Message | undefined {
    const { preview } = this.summary;
    return preview && (this.timeline.messages.get(preview.seq) ?? messageFrom(this.room, preview));
  }

  /** Bound the cache, in steps of some events: sorting the numbers once per so many costs next to nothing. */
  trim(kept: number): void {
    const { messages, notes } = this.timeline;
    if (messages.size + notes.size > kept + Math.floor(kept / 4) + 32) this.timeline.trim(kept);
  }

  // Storage.

  /** Return what is to be stored of the room beside its messages. */
  record(): RoomRecord {
    const { timeline, read, unread, counted } = this;
    const { head: seq, ordinal, started, applied } = timeline;
    const summary = { ...this.summary, seq, ordinal, unread, unread_mentions: this.unreadMentions };
    return { summary, read, counted, as_of: this.asOf, receipts: [...this.receipts], cached: timeline.stretches, ...(started && { applied }) };
  }

  /** Load what `record` returned. */
  restore(record: RoomRecord): void {
    this.takeSummary(record.summary as RoomSummary);
    this.read = record.read ?? record.summary.read;
    this.counted = record.counted;
    this.asOf = record.as_of;
    for (const [user, receipt] of record.receipts) this.receipts.set(user, receipt);
    if (record.applied !== undefined) this.timeline.resume(record.applied);
    this.timeline.setAside(record.cached);
  }

  // Unread numbers.

  private _count(message: Message): void {
    this.counted = message.seq;
    // It is silent, or in the number of the server already.
    if (message.ordinal <= this.asOf) return;
    this.asOf = message.ordinal;
    if (this._isUncounted(message) || message.seq <= this.read) return;
    this.unread += 1;
    const mentions = message.body?.mentions ?? [];
    const everybody = mentions.includes("*") && this.summary.members <= this._owner.everybodyMax;
    if (everybody || mentions.includes(this._owner.user)) this.unreadMentions += 1;
  }

  /** Whether a message is unread for nobody here. */
  protected _isUncounted({ user }: Event | Message): boolean {
    return user === this._owner.user;
  }

  /** Take the numbers of the server, right at `seq`; messages applied beyond it are added. */
  private _countFrom(seq: number, unread: number, mentions: number): void {
    this.unread = unread;
    this.unreadMentions = mentions;
    this.counted = seq;
    if (seq >= this.timeline.applied) return;
    for (const message of this.timeline.between(seq + 1, Infinity)) this._count(message);
    this.counted = this.timeline.applied;
  }

  private _receive({ user, read = 0, delivered = 0, first_visible = 1 }: ReceiptEntry): boolean {
    const old = this.receipts.get(user) ?? { read: 0, delivered: 0, first_visible: 1 };
    const now = {
      read: Math.max(old.read, read),
      delivered: Math.max(old.delivered, delivered),
      first_visible: Math.max(old.first_visible, first_visible),
    };
    this.receipts.set(user, now);
    return now.read !== old.read || now.delivered !== old.delivered || now.first_visible !== old.first_visible;
  }

  /** End hiding at a message that counts, which is not in the summary yet (protocol.md, "preferences"). */
  private _unhide(ordinal: number): void {
    if (ordinal > this.summary.ordinal) this.summary = { ...this.summary, hidden: false };
  }

  protected _show(message: Message): void {
    this._unhide(message.ordinal);
    const shown = this.summary.preview?.seq ?? 0;
    if (message.seq < shown) return;
    const time = Math.max(this.summary.time, message.time);
    this.summary = { ...this.summary, preview: eventFrom(message), time };
  }
}
