/** A room as the app holds it: its state, and everything one can do in it. */

import type { Level } from "./core/attention.js";
import { normalEmoji } from "./core/emoji.js";
import type { Message, Page } from "./core/messages.js";
import type {
  Ack, Body, Event, MembersAddReply, MembersListReply, Packet, ReadersReply,
} from "./core/packets.js";
import type { MemberReceipt, Replica } from "./core/replica.js";
import { roleOf, type Summary } from "./core/summary.js";
import type { Engine } from "./engine.js";
import type { Receipt } from "./sender.js";

/** Messages of a page of history (protocol.md, "history"). */
const HISTORY_PAGE = 50;

/** A member of a room; `joined_at` in Unix milliseconds. */
export interface Member {
  readonly user: string;
  readonly role: string;
  readonly joined_at: number;
}

/** The number of users who read a message, and the first of them with their positions; `more` continues. */
export interface Readers {
  readonly count: number;
  readonly readers: ReadonlyMap<string, number>;
  readonly more: string;
}

/** What a message has beside its body. `composed_at`: the clock of this device; by default now. */
export interface SendOptions {
  silent?: boolean;
  composed_at?: number;
  /** The key, where the app gave the message one before (`@chatd/client/media`). */
  key?: string;
  /** The place of the draft that becomes this message (`post`): it is removed as the message is put into the outbox. */
  draft?: string;
  /** The post of the channel that it comments on, in the group of its comments. */
  post?: number;
}

/** One room of one client.
 *
 * Methods that write resolve when the server has stored the change durably, or reject with its `ChatError`; they
 * survive reconnects, and the change is made even if nobody waits. `content` is a text or a whole body (protocol.md,
 * "Body").
 */
export class Room {
  constructor(private readonly _engine: Engine, readonly id: string) {}

  // State.

  /** Title, peer, role and the rest, as the server sent them last. */
  get summary(): Summary {
    return this._seen.summary;
  }

  /** The highest known `seq`. */
  get head(): number {
    return this._seen.timeline.head;
  }

  /** The number of the latest message that counts. */
  get ordinal(): number {
    return this._seen.timeline.ordinal;
  }

  /** The `seq` up to which every event was applied here. */
  get applied(): number {
    return this._seen.timeline.applied;
  }

  /** The number of unread messages, also of those whose content was not fetched. */
  get unread(): number {
    return this._seen.badge;
  }

  /** The number of unread mentions. */
  get unreadMentions(): number {
    return this._seen.unreadMentions;
  }

  /** The own read position. */
  get readTo(): number {
    return this._seen.read;
  }

  /** The latest message, as far as it is known: for the list of rooms. */
  get preview(): Message | undefined {
    return this._seen.preview;
  }

  /** The positions up to which other members have read and received the room (protocol.md, "receipts"). */
  get receipts(): ReadonlyMap<string, MemberReceipt> {
    return this._seen.receipts;
  }

  /** The users who are typing right now. */
  get typists(): string[] {
    return this._engine.typingState.inRoom(this.id);
  }

  /** The cached messages by `seq`, in no particular order, each in its current state. */
  get messages(): ReadonlyMap<number, Message> {
    return this._seen.timeline.messages;
  }

  /** The cached events that are neither messages nor changes of one, by `seq`: who joined, what was renamed, notices. */
  get notes(): ReadonlyMap<number, Event> {
    return this._seen.timeline.notes;
  }

  /** Return the newest messages cached without a hole, ascending. */
  cached(): Message[] {
    const { timeline } = this._seen;
    return timeline.between(timeline.cached.coveredDownFrom(timeline.applied), timeline.applied);
  }

  // Writing.

  /** Send a message and wait for the durable acknowledgement (protocol.md, "send"). */
  send(content: string | Body, options: SendOptions = {}): Promise<Receipt> {
    return this._engine.deliver(this._message(content, options));
  }

  /** Put a message into the outbox and return its key, once it is stored here.
   *
   * Its outcome comes as "sendDone", "sendDelayed" or "sendFailed".
   */
  post(content: string | Body, options: SendOptions = {}): Promise<string> {
    return this._engine.post(this._message(content, options), options.draft);
  }

  /** Replace the body of an own message. */
  edit(seq: number, content: string | Body): Promise<Receipt> {
    return this._write("edit", { target: seq, body: bodyOf(content) });
  }

  /** Recall a message for everybody. */
  recall(seq: number): Promise<Receipt> {
    return this._write("recall", { target: seq });
  }

  /** Set, or with `present` false clear, an own reaction: one emoji, or a word between colons, as in `:yes:`.
   *
   * The presentation of an emoji makes no difference (protocol.md, "react").
   */
  react(seq: number, emoji: string, present = true): Promise<Receipt> {
    const mine = this.messages.get(seq)?.mine ?? [];
    return this._write("react", {
      target: seq,
      emoji: present || !mine.includes(emoji) ? normalEmoji(emoji) : emoji,
      set: present,
    });
  }

  /** Pin a message, or unpin it. */
  pin(seq: number, pinned = true): Promise<Receipt> {
    return this._write("pin", { target: seq, set: pinned });
  }

  // Reading.

  /** Return the newest `limit` messages, ascending and up to date; fetches exactly what is missing. */
  async timeline(limit = HISTORY_PAGE): Promise<{ messages: Message[] }> {
    await this._engine.opened(this.id);
    return { messages: await this._engine.run("timeline", this.id, limit) };
  }

  /** Load what is stored of the room into `messages`; nothing is fetched. `timeline` and `history` do it, too. */
  open(): Promise<void> {
    return this._engine.opened(this.id);
  }

  /** Return a page of messages in their current state, ascending (protocol.md, "history").
   *
   * Give one of `before` (below this `seq`), `after`, `around`; none means the newest. `limit` is at most 100. A page
   * `before` a message comes from the cache if it is there without a hole. The page says which numbers it covers.
   */
  async history(
    asked: { before?: number; after?: number; around?: number; limit?: number } = {},
  ): Promise<Page> {
    await this._engine.opened(this.id);
    return this._engine.run("history", this.id, { limit: HISTORY_PAGE, ...asked });
  }

  /** Return these messages, at most 100, in their current state (protocol.md, "messages"). */
  async fetch(seqs: Iterable<number>): Promise<Message[]> {
    return this._engine.run("fetch", this.id, [...seqs]);
  }

  /** Mark everything up to `seq`, or all that was applied, as read; sent at most every 2 s (protocol.md, "read"). */
  read(seq = this.applied): void {
    this._engine.tell("read", this.id, seq);
  }

  /** Show the others that the user is typing; call it on every key, it is sent at most every 3 s (protocol.md,
   * "typing"). */
  typing(): void {
    this._engine.tell("typing", this.id);
  }

  /** Return the users who read the message `seq` (protocol.md, "readers"). */
  async readers(seq: number, asked: { more?: string; limit?: number } = {}): Promise<Readers> {
    const reply: ReadersReply = await this._call("readers", { seq, ...asked });
    const readers = new Map(reply.readers.map(({ user, read }) => [user, read]));
    return { count: reply.count, readers, more: reply.more ?? "" };
  }

  // The room itself.

  /** Fetch the summary. */
  async refresh(): Promise<Summary> {
    await this._engine.run("refresh", this.id);
    return this.summary;
  }

  /** Change `title`, `avatar`, `public` or `data` (protocol.md, "room.update"). */
  async update(settings: { title?: string; avatar?: string; public?: boolean; data?: unknown }): Promise<void> {
    await this.mutate("room.update", settings);
  }

  /** Delete the room; only its owner may. */
  async delete(): Promise<void> {
    await this.mutate("room.delete", {}, "deleted");
  }

  /** Join a public room. */
  async join(): Promise<void> {
    await this.mutate("room.join", {});
  }

  /** Leave the room. */
  async leave(): Promise<void> {
    await this.mutate("room.leave", {}, "left");
  }

  /** Yield all members, page by page: `for await (const member of room.members())`. */
  async *members(asked: { prefix?: string; role?: string } = {}): AsyncGenerator<Member, void> {
    let more: string | undefined;
    do {
      const reply: MembersListReply = await this._call("members.list", { ...asked, more });
      for (const entry of reply.members) yield { ...entry, role: roleOf(entry) };
      more = reply.more;
    } while (more);
  }

  /** Add members, at most 100; return those who were not added, as they do not let this user, or are unknown. */
  async add(users: Iterable<string>): Promise<readonly string[]> {
    return ((await this.mutate("members.add", { users: [...users] })) as MembersAddReply).not_added ?? [];
  }

  /** Remove members, at most 100. */
  async remove(users: Iterable<string>): Promise<void> {
    await this.mutate("members.remove", { users: [...users] });
  }

  /** Give members the role `member`, `admin` or `owner`. */
  async setRoles(roles: Readonly<Record<string, string>>): Promise<void> {
    await this.mutate("members.role", { users: Object.entries(roles).map(([user, role]) => ({ user, role })) });
  }

  /** Change the own view of the room (protocol.md, "preferences"): mute until a time in ms (1 for ever, 0 not), pin to
   * the top, hide, mark as unread, put into a folder, set its wallpaper, choose of which messages to be notified. */
  async preferences(
    asked: {
      muted_until?: number; pinned?: boolean; hidden?: boolean; wallpaper?: string; notify?: Level | "default";
      unread_mark?: boolean; folder?: number;
    },
  ): Promise<void> {
    await this._call("preferences", asked);
  }

  /** Send any mutation of the protocol, given without `room` and `key`, and return its acknowledgement; with `lost` the
   * room is gone for this user afterwards. */
  mutate(type: string, fields: Packet, lost = ""): Promise<Ack> {
    return this._engine.run("mutate", { type, room: this.id, key: this._engine.env.key(), ...fields }, lost);
  }

  // Internal.

  private get _seen(): Replica {
    return this._engine.account.peek(this.id);
  }

  private _message(content: string | Body, options: SendOptions): Packet {
    const { env } = this._engine;
    const { silent, composed_at = env.timeMs(), key = env.key(), post } = options;
    return { type: "send", room: this.id, key, body: bodyOf(content), composed_at, silent: silent || undefined, post };
  }

  private _write(type: string, fields: Packet): Promise<Receipt> {
    return this._engine.deliver({ type, room: this.id, key: this._engine.env.key(), ...fields });
  }

  private _call<Reply>(type: string, fields: Packet): Promise<Reply> {
    const packet = { type, room: this.id, ...fields };
    return this._engine.run("call", packet, this._engine.timing.callS) as Promise<Reply>;
  }
}

function bodyOf(content: string | Body): Body {
  return typeof content === "string" ? { text: content } : content;
}
