/**
 * The open room as the timeline shows it: one stretch of messages, each a signal, and what stands around them.
 *
 * The SDK announces changes one by one; they are gathered here and shown once a frame, in one change of the view,
 * which keeps its place.
 */
import { computed, signal, type Signal } from "@preact/signals";
import type { Change, Entry, Event, Message } from "@chatd/client";
import { isDeleted, isRetained } from "@chatd/client/people";
import type { Outgoing } from "@chatd/client/media";
import { outgoing, outgoingMessage } from "../media/outgoing.js";
import { client, me, type RoomState } from "../shell/state.js";
import { pendingMessage, shownState } from "./overlay.js";
import { rowsOf } from "./rows.js";
import { covers, EMPTY, opened, PAGE, type Page, type Stretch, WINDOW_MAX, withLive, withNewer, withOlder } from "./window.js";

/** Milliseconds between two changes of a page that nobody sees. */
const HIDDEN_MS = 100;

/** Most messages of one frame that rise as they come: more are a flood, in which every frame counts. */
const RISING_MAX = 5;

/** The place of the reader. */
export interface Reader {
  /** Whether they are near the end of what is shown: what comes behind it is shown at once. */
  isNear(): boolean;
  /** Whether they follow the end. */
  isFollowing(): boolean;
}

/** A change of the content, made so that the messages in view stay where they are. */
export type Keep = (change: () => void) => void;

export class TimelineModel {
  readonly stretch = signal<Stretch<Message>>(EMPTY);
  readonly notes = signal<readonly Event[]>([]);
  /** The own changes of this room that wait in the outbox. */
  readonly waiting = signal<readonly Entry[]>([]);
  /** The own messages whose files are on their way. */
  readonly sending = signal<readonly Outgoing[]>([]);
  /** The `seq` of the first unread message when the room was opened; 0: all was read. */
  readonly divider = signal(0);
  /** Whether anything can be shown yet. */
  readonly ready = signal(false);
  readonly rows = computed(() => {
    const { messages, last } = this.stretch.value;
    // While nothing is there yet, what is sent without a network is.
    const sends = last || !this.ready.value ? this.waiting.value.filter((entry) => entry.packet.type === "send") : [];
    const pending = sends.map(({ key, packet }) => ({ key, time: Number(packet.composed_at) || 0 }));
    const inOutbox = new Set(pending.map(({ key }) => key));
    const withFiles = last || !this.ready.value ? this.sending.value.filter(({ key }) => !inOutbox.has(key)) : [];
    pending.push(...withFiles.map(({ key, composed_at }) => ({ key, time: composed_at })));
    pending.sort((one, other) => one.time - other.time);
    const [deleted, first] = [this.#deleted.value, this.#first.value];
    const rules = { policy: { retain_s: this.#retainS.value }, kept: this.#kept.value };
    const isShown = ({ seq, time = 0 }: { seq: number; time?: number }): boolean =>
      seq >= first && !isDeleted(deleted, seq) && isRetained(rules, { seq, time });
    const notes = this.notes.value.filter(isShown);
    return rowsOf({ messages: messages.filter(isShown), notes, pending, divider: this.divider.value, me: me.value });
  });
  // What the user cleared and deleted for themself; they stay the same while nothing more is.
  readonly #first = computed(() => this.state.summary.value.first_visible);
  readonly #deleted = computed(() => this.state.summary.value.deleted);
  readonly #retainS = computed(() => this.state.summary.value.policy?.retain_s ?? 0);
  readonly #kept = computed(() => this.state.summary.value.kept ?? 0);
  /** The keys of messages that just came at the end, in front of the reader: their rows rise. */
  fresh: ReadonlySet<string> = new Set();
  /** Called after messages of others were put at the end of the stretch. */
  onAdded: (messages: readonly Message[]) => void = () => {};
  #states = new Map<number, Signal<Message>>();
  #changes: Change[] = [];
  #closed = false;
  #quotes = new Map<number, Signal<Message | undefined | null>>();
  #wanted = new Set<number>();
  #withFiles = new Map<string, Message>();
  #loading = { older: false, newer: false };
  #scheduled = false;
  readonly #unlisten: () => void;

  constructor(
    readonly state: RoomState,
    private readonly keep: Keep,
    private readonly reader: Reader,
  ) {
    const unlisten = client().on((change) => {
      if (change.kind === "changesMissed" || ("room" in change && change.room === state.id)) this.#take(change);
    });
    // How far the files are is drawn by those who show it: here it counts which messages there are.
    const unfollow = outgoing.subscribe(() => this.#sendingNow() !== this.sending.peek() && this.#soon());
    this.#unlisten = () => (unlisten(), unfollow());
    this.#wait();
  }

  close(): void {
    this.#unlisten();
    this.#closed = true;
  }

  /** The current state of a message of the stretch, own changes that wait for the server included. */
  message(seq: number): Message | undefined {
    const message = this.#states.get(seq)?.value;
    return message && shownState(message, this.waiting.value);
  }

  /** The entry of the outbox with this key. */
  entry(key: string): Entry | undefined {
    return this.waiting.value.find((entry) => entry.key === key);
  }

  /** A message that waits in the outbox, as it will be. */
  pending(key: string): Message | undefined {
    const packet = this.entry(key)?.packet;
    const found = this.sending.value.find((one) => one.key === key);
    const shown = found ? outgoingMessage(found, me.value) : this.#withFiles.get(key);
    // In the outbox it stays as it was on its way: what its files are is said by the server, behind its acknowledgement.
    if (shown) this.#withFiles.set(key, shown);
    return shown ?? (packet && pendingMessage(packet, me.value));
  }

  /** A message that others answer; undefined while it is fetched, null if it is not visible. */
  quoted(seq: number): Signal<Message | undefined | null> {
    let quoted = this.#quotes.get(seq);
    if (!quoted) {
      this.#quotes.set(seq, (quoted = signal(this.state.room.messages.get(seq))));
      if (!quoted.peek()) this.#fetchQuote(seq);
    }
    return quoted;
  }

  /**
   * Show the newest messages that are stored here, and what was read of them last, without asking the server; false
   * if they do not reach back to `read`, or there are none.
   */
  async showCached(read: number): Promise<boolean> {
    await this.state.room.open();
    const cached = this.state.room.cached();
    const unread = cached.findIndex((message) => message.seq > read);
    const from = unread < 0 ? cached.length - PAGE : Math.min(cached.length - PAGE, unread - PAGE / 2);
    const messages = cached.slice(Math.max(0, from));
    if (messages.length === 0 || messages.length > WINDOW_MAX || (unread === 0 && !this.#isFirst(cached[0]!))) return false;
    this.#show(opened(this.#newest(messages, from <= 0 && this.#isFirst(cached[0]!)), this.#applied));
    return true;
  }

  /** Show the newest messages. */
  async openEnd(): Promise<void> {
    const { messages } = await this.state.room.timeline(PAGE);
    // It looks until it has so many, or there is nothing older.
    const page = this.#newest(messages, messages.length < PAGE);
    const shown = this.stretch.peek();
    // What is shown already stays, with what the reader has loaded before it.
    const joined = shown.messages.length > 0 && page.low <= shown.high + 1;
    this.#show(joined ? withNewer(shown, page, this.#applied) : opened(page, this.#applied));
  }

  /** Show the messages around one; `true` when it is among them. */
  async openAround(seq: number): Promise<boolean> {
    if (!covers(this.stretch.peek(), seq)) {
      const page = await this.state.room.history({ around: seq, limit: PAGE });
      this.#show(opened(page, this.#applied));
    }
    return this.stretch.peek().messages.some((message) => message.seq === seq);
  }

  /** Put the divider before the first message above `read` that another user wrote. */
  divide(read: number): void {
    const { messages } = this.stretch.peek();
    this.divider.value = messages.find((message) => message.seq > read && message.user !== me.peek())?.seq ?? 0;
  }

  async loadOlder(): Promise<void> {
    const { low, first } = this.stretch.peek();
    if (first || low <= 1) return;
    await this.#load("older", { before: low, limit: PAGE }, (stretch, page) => withOlder(stretch, page));
  }

  async loadNewer(): Promise<void> {
    const { high, last } = this.stretch.peek();
    if (last) return;
    await this.#load("newer", { after: high, limit: PAGE }, (stretch, page) => withNewer(stretch, page, this.#applied));
  }

  get #applied(): number {
    return this.state.room.applied;
  }

  #newest(messages: readonly Message[], end: boolean): Page<Message> {
    const low = end ? this.state.summary.peek().first_visible : (messages[0]?.seq ?? 1);
    return { messages, low, high: this.#applied, end };
  }

  #isFirst({ seq }: Message): boolean {
    // A group begins with an event, a direct room with its first message or one.
    return seq <= this.state.summary.peek().first_visible + 1;
  }

  async #load(
    side: "older" | "newer",
    range: { before: number; limit: number } | { after: number; limit: number },
    grow: (stretch: Stretch<Message>, page: Page<Message>) => Stretch<Message>,
  ): Promise<void> {
    if (this.#loading[side]) return;
    this.#loading[side] = true;
    try {
      const page = await this.state.room.history(range);
      this.keep(() => this.#set(grow(this.stretch.peek(), page)));
    } finally {
      this.#loading[side] = false;
    }
  }

  #show(stretch: Stretch<Message>): void {
    this.keep(() => {
      this.#set(stretch);
      this.ready.value = true;
    });
  }

  #set(stretch: Stretch<Message>): void {
    const known = new Map<number, Signal<Message>>();
    for (const message of stretch.messages) {
      const state = this.#states.get(message.seq) ?? signal(message);
      if (message.changed > state.peek().changed) state.value = message;
      known.set(message.seq, state);
    }
    this.#states = known;
    this.stretch.value = stretch;
    this.#note();
  }

  /** Fetch what is quoted, all of one drawing in one request. */
  #fetchQuote(seq: number): void {
    this.#wanted.add(seq);
    if (this.#wanted.size > 1) return;
    queueMicrotask(async () => {
      const seqs = [...this.#wanted];
      this.#wanted.clear();
      const found = await this.state.room.fetch(seqs).catch(() => undefined);
      // Without an answer they are asked for when the room is opened the next time.
      if (!found || this.#closed) return;
      const bySeq = new Map(found.map((message) => [message.seq, message]));
      for (const one of seqs) this.#quotes.get(one)!.value = bySeq.get(one) ?? null;
    });
  }

  #note(): void {
    const { low, high } = this.stretch.peek();
    const notes = [...this.state.room.notes.values()].filter(({ seq }) => low <= seq && seq <= high);
    if (notes.length || this.notes.peek().length) this.notes.value = notes.sort((one, other) => one.seq - other.seq);
  }

  #wait(): void {
    const { id } = this.state;
    this.waiting.value = client().outbox.filter((entry) => entry.room === id && (entry.packet.type !== "send" || this.#isHere(entry.packet)));
    this.sending.value = this.#sendingNow();
  }

  /** Whether a message is among those that are shown: of comments, those on one post. */
  #isHere({ post }: { post?: number }): boolean {
    return this.state.post === undefined || this.state.post === post;
  }

  /** The messages of this room on their way; the same list as before when none came, went or changed its files. */
  #sendingNow(): readonly Outgoing[] {
    const now = [...outgoing.peek().values()].filter(({ room }) => room === this.state.id);
    const before = this.sending.peek();
    const same = now.length === before.length && now.every(({ key, files }, at) => before[at]!.key === key && before[at]!.files === files);
    return same ? before : now;
  }

  #take(change: Change): void {
    this.#changes.push(change);
    this.#soon();
  }

  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A hidden page draws no frames.
    if (document.hidden) setTimeout(() => this.#flush(), HIDDEN_MS);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush(): void {
    if (this.#closed) return;
    const changes = this.#changes;
    this.#changes = [];
    this.#scheduled = false;
    const added = changes.flatMap((change) => (change.kind === "messageAdded" && this.#isHere(change.message) ? [change.message] : []));
    const before = new Set([...this.waiting.peek(), ...this.sending.peek()].map(({ key }) => key));
    const queued = changes.flatMap((change) => (change.kind === "sendQueued" && !before.has(change.key) ? [change.key] : []));
    for (const { key } of this.#sendingNow()) if (!before.has(key)) queued.push(key);
    const rising = added.length > RISING_MAX ? [] : added;
    this.fresh = new Set([...queued, ...rising.map(({ key }) => key).filter((key) => !before.has(key))]);
    this.keep(() => {
      for (const change of changes) if (change.kind === "messageChanged") this.#change(change.message);
      const isOnTheWay = this.#sendingNow() !== this.sending.peek();
      if (isOnTheWay || changes.some(({ kind }) => kind.startsWith("send") || kind === "changesMissed")) this.#wait();
      this.#add(added, changes);
    });
    const theirs = added.filter((message) => message.user !== me.peek());
    if (theirs.length) this.onAdded(theirs);
  }

  #change(message: Message): void {
    const state = this.#states.get(message.seq);
    if (state && message.changed >= state.peek().changed) state.value = message;
    const quoted = this.#quotes.get(message.seq);
    if (quoted) quoted.value = message;
  }

  #add(added: readonly Message[], changes: readonly Change[]): void {
    const reset = changes.some(({ kind }) => kind === "timelineReset" || kind === "changesMissed");
    const more = added.length > 0 || changes.some(({ kind }) => kind === "eventAdded");
    const stretch = this.stretch.peek();
    if (reset && stretch.last && this.reader.isFollowing()) void this.openEnd();
    else if (reset) this.stretch.value = { ...stretch, last: stretch.high >= this.#applied };
    else if (more && this.reader.isNear()) this.#set(withLive(stretch, added, this.#applied));
    else if (more) this.stretch.value = { ...stretch, last: false };
  }
}
