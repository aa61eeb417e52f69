/** The open chat: the model of its timeline, the place of the reader in it, and what its parts ask of each other. */
import { computed, signal } from "@preact/signals";
import type { Message } from "@chatd/client";
import { offerPush } from "../push/offer.js";
import { ComposerModel, FINE_POINTER } from "../composer/composer_model.js";
import { t } from "../locale/locale.js";
import { wordsOf } from "../shell/attachment_words.js";
import { announce } from "../shell/announcer.js";
import { isBlocked } from "../shell/contacts.js";
import { Nicknames } from "../groups/nicknames.js";
import { takeWanted, wanted } from "../search/wanted.js";
import { attempt } from "../shell/errors.js";
import { me, phase, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { KeepPlace } from "./keep_place.js";
import { TimelineModel } from "./model.js";
import { permissionsFor } from "./permissions.js";
import { Reading } from "./reading.js";
import { renderNow } from "./render_now.js";

/** A room that was left less than this (ms) ago opens where it was. */
const RETURN_MS = 30 * 60_000;
/** Milliseconds for which the target of a jump is marked. */
const MARK_MS = 1200;
/** Pixels between the top of the view and the divider, or the target of a jump: a message or two above it. */
const LEAD_PX = 96;
/** Screens from an end of the stretch within which the next page is fetched. */
const AHEAD_SCREENS = 2;
/** Milliseconds without scrolling after which WebKit accepts a new scroll position. */
const REST_MS = 120;
/** WebKit drops writes of `scrollTop` while a flick runs out. */
const WEBKIT = CSS.supports("-webkit-touch-callout: none");

interface Place {
  readonly seq: number;
  readonly offset: number;
}

/** The places of rooms that were left, until the page ends. */
const places = new Map<string, Place & { readonly at: number }>();

/** Messages of one request (protocol.md, "forward"). */
const FORWARDED_MAX = 100;

/** A request for the menu of a message. */
export interface MenuRequest {
  readonly message: Message;
  readonly row: HTMLElement;
  /** The place it opens at, in the coordinates of the window. */
  readonly x: number;
  readonly y: number;
  /** Whether a key asked for it, so that the focus returns to the message. */
  readonly byKey: boolean;
}

export class Chat {
  readonly model: TimelineModel;
  readonly composer: ComposerModel;
  readonly #nicknames: Nicknames;
  /** The message whose actions are shown: under the pointer, or focused. */
  readonly active = signal("");
  /** The message that a jump led to, for a moment. */
  readonly marked = signal(0);
  /** The places that jumps left. */
  readonly returns = signal<readonly Place[]>([]);
  readonly menu = signal<MenuRequest | null>(null);
  /** Whether the reader is away from the end, and whether so far that they want a way back. */
  readonly away = signal(false);
  readonly far = signal(false);
  /** Messages whose folded text is shown whole. */
  readonly unfolded = signal<ReadonlySet<number>>(new Set());
  /** The messages that are chosen to be forwarded; null: none are being chosen. */
  readonly selected = signal<ReadonlySet<number> | null>(null);
  /** Whether a page could not be fetched. */
  readonly failed = signal(false);
  #place: KeepPlace | undefined;
  readonly #reading: Reading;
  #readTimer = 0;
  #scrolledAt = 0;
  /** Whether the view is on its way to a place: nothing is fetched for where it is now. */
  #going = false;

  constructor(readonly state: RoomState) {
    this.#nicknames = new Nicknames(state);
    this.#reading = new Reading(state.room.readTo);
    const isFollowing = (): boolean => this.#place?.following ?? false;
    const isNear = (): boolean => isFollowing() || (this.#place?.below ?? 0) < this.#ahead;
    this.model = new TimelineModel(state, (change) => this.change(change), { isNear, isFollowing });
    this.model.onAdded = (messages) => this.#announce(messages);
    this.composer = new ComposerModel(state, () => (this.toEnd(), offerPush(state)));
  }

  /** Follow these elements, and open the room; the returned function ends that. */
  mount(scroller: HTMLElement, content: HTMLElement): () => void {
    const place = new KeepPlace(scroller, content, () => this.#moved());
    this.#place = place;
    const seen = (): void => this.#read();
    addEventListener("focus", seen);
    document.addEventListener("visibilitychange", seen);
    void this.#open();
    const unfollow = this.#nicknames.follow();
    const jumps = wanted.subscribe((to) => to?.room === this.state.id && this.model.ready.peek() && void this.jump(takeWanted(to.room)));
    const again = phase.subscribe((now) => now === "ready" && this.failed.peek() && this.#again());
    // What was seen of a message request counts as read once it is accepted.
    const isRequest = computed(() => this.state.summary.value.request ?? false);
    const accepted = isRequest.subscribe((still) => still || this.#read());
    return () => {
      again();
      jumps();
      unfollow();
      accepted();
      removeEventListener("focus", seen);
      document.removeEventListener("visibilitychange", seen);
      clearTimeout(this.#readTimer);
      this.#leave();
      place.close();
      this.#place = undefined;
      this.model.close();
    };
  }

  /** What a user is called here: by the own remark, the name that they have in the group, or their own. */
  nameOf(user: string): string {
    const { name, realName } = userOf(user).value;
    return name === realName ? this.#nicknames.of(user) || name : name;
  }

  /** Change what is drawn, and keep the messages in view where they are. */
  change(change: () => void): void {
    if (this.#place) this.#place.keepPlace(() => renderNow(change));
    else renderNow(change);
  }

  /** Keep a message where it is while it is pressed or its menu is open; without one, end that. */
  hold(row?: HTMLElement): void {
    if (this.#place) this.#place.held = row;
  }

  /** Show the newest message, and follow. */
  async toEnd(smooth = false): Promise<void> {
    const { last } = this.model.stretch.peek();
    this.returns.value = [];
    // Without the server, the end is what is stored.
    if (!last) await this.model.openEnd().catch(() => this.model.showCached(Infinity));
    this.#place?.toEnd(smooth && last && this.#place.below < 2 * this.#place.scroller.clientHeight);
  }

  /** Show a message and mark it; `back` returns. */
  async jump(seq: number): Promise<void> {
    const from = this.#here();
    if (!(await attempt(() => this.#go({ seq, offset: LEAD_PX })))) return;
    if (from) this.returns.value = [...this.returns.peek(), from];
    this.#mark(seq);
  }

  #mark(seq: number): void {
    this.marked.value = seq;
    setTimeout(() => this.marked.peek() === seq && (this.marked.value = 0), MARK_MS);
  }

  /** Return to the place that the last jump left. */
  async back(): Promise<void> {
    const place = this.returns.peek().at(-1);
    this.returns.value = this.returns.peek().slice(0, -1);
    if (place) await attempt(() => this.#go(place));
  }

  /** Whether the user may answer a message. */
  mayReply(message: Message): boolean {
    return permissionsFor(message, this.state.summary.peek(), me.peek(), Date.now()).reply;
  }

  /** Answer a message. */
  reply(message: Message): void {
    this.composer.reply(message.seq);
  }

  /** Open the menu of a message at a place of the window. */
  openMenu(message: Message, origin: HTMLElement, x: number, y: number, byKey = false): void {
    const row = origin.closest<HTMLElement>("article") ?? origin;
    this.hold(row);
    this.menu.value = { message, row, x, y, byKey };
  }

  closeMenu(): void {
    const open = this.menu.peek();
    if (!open) return;
    this.menu.value = null;
    this.hold();
    if (open.byKey) open.row.focus({ preventScroll: true });
    else if (FINE_POINTER.matches) this.composer.focused.value += 1;
  }

  /** Edit the last own message, if there is one in view; false if there is none. */
  editLast(): boolean {
    const { messages } = this.model.stretch.peek();
    const summary = this.state.summary.peek();
    const last = messages.findLast(({ user, seq }) => user === me.peek() && !this.model.message(seq)?.recalled);
    const message = last && this.model.message(last.seq);
    if (!message || !permissionsFor(message, summary, me.peek(), Date.now()).edit) return false;
    this.composer.edit(message);
    return true;
  }

  /** Choose messages, beginning with these; null ends it. */
  select(seqs: readonly number[] | null): void {
    this.selected.value = seqs && new Set(seqs);
  }

  /** Choose a message, or take it out of the chosen ones. */
  toggle(seq: number): void {
    const next = new Set(this.selected.peek());
    if (!next.delete(seq) && next.size < FORWARDED_MAX) next.add(seq);
    this.selected.value = next;
  }

  /** Set an own reaction to a message, or take it back. */
  react(message: Message, emoji: string): void {
    void attempt(() => this.state.room.react(message.seq, emoji, !message.mine.includes(emoji)));
  }

  unfold(seq: number): void {
    this.change(() => (this.unfolded.value = new Set([...this.unfolded.peek(), seq])));
  }

  /** Move the focus to the message before or after the focused one; the last in view when there is none. */
  focusMessage(step: -1 | 1): void {
    const place = this.#place;
    if (!place) return;
    const rows = [...place.content.querySelectorAll<HTMLElement>("article")];
    const at = place.focused ? rows.indexOf(place.focused) : -1;
    const next = at < 0 ? place.inView.filter((row) => row.matches("article")).at(-1) : rows[at + step];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }

  async #open(): Promise<void> {
    const { room, id } = this.state;
    const left = this.state.post ? undefined : places.get(id);
    const read = room.readTo;
    this.#going = true;
    try {
      const sought = takeWanted(id);
      if (sought && (await this.#go({ seq: sought, offset: LEAD_PX }))) return this.#mark(sought);
      if (left && Date.now() - left.at < RETURN_MS && (await this.#go(left))) return;
      if (room.unread > 0) await this.#openUnread(read);
      else await this.#openEnd();
    } catch {
      // Without the server the newest messages that are stored; the rest when it answers again.
      this.failed.value = true;
      if (await this.model.showCached(Infinity)) this.#place?.toEnd();
    } finally {
      this.#going = false;
      places.delete(id);
      this.#moved();
    }
  }

  async #openEnd(): Promise<void> {
    if (await this.model.showCached(Infinity)) this.#place?.toEnd();
    await this.model.openEnd();
    if (this.#place?.following) this.#place.toEnd();
  }

  async #openUnread(read: number): Promise<void> {
    const { room } = this.state;
    // What is stored is shown when nothing is missing behind it.
    const cached = room.applied >= room.head && (await this.model.showCached(read));
    if (!cached) await this.model.openAround(read + 1);
    this.#toDivider(read);
  }

  /** Show the first unread message, with a divider before it, or the end if there is none. */
  #toDivider(read: number): void {
    this.change(() => this.model.divide(read));
    const row = this.#place?.content.querySelector<HTMLElement>(":scope > .divider");
    if (row) this.#place?.toRow(row, LEAD_PX);
    else this.#place?.toEnd();
  }

  /** Go to a place; false if its message is not there any more. */
  async #go({ seq, offset }: Place): Promise<boolean> {
    const near = this.#row(seq) !== undefined;
    this.#going = true;
    try {
      await this.model.openAround(seq);
    } finally {
      this.#going = false;
    }
    const row = this.#row(seq);
    if (row) this.#place?.toRow(row, offset, near);
    return row !== undefined;
  }

  #row(seq: number): HTMLElement | undefined {
    return this.#place?.content.querySelector<HTMLElement>(`:scope > [data-seq="${seq}"]`) ?? undefined;
  }

  #here(): Place | undefined {
    const place = this.#place;
    const row = place?.inView.find((one) => Number(one.dataset.seq) > 0);
    return place && row && { seq: Number(row.dataset.seq), offset: place.offset(row) };
  }

  #leave(): void {
    const here = this.#here();
    if (here && !this.#place?.following && !this.state.post) places.set(this.state.id, { ...here, at: Date.now() });
  }

  /** Fetch what could not be fetched, now that the server answers. */
  #again(): void {
    this.failed.value = false;
    if (this.model.ready.peek()) this.#loadMore();
    else void this.#open();
  }

  get #ahead(): number {
    return AHEAD_SCREENS * (this.#place?.scroller.clientHeight ?? 0);
  }

  #moved(): void {
    const place = this.#place;
    if (!place || !this.model.ready.peek()) return;
    this.#scrolledAt = performance.now();
    const { last } = this.model.stretch.peek();
    this.away.value = !last || !place.following;
    this.far.value = !last || place.below > place.scroller.clientHeight / 2;
    if (place.following && last) this.returns.value = [];
    this.#read();
    queueMicrotask(() => this.#loadMore());
  }

  #loadMore(): void {
    const place = this.#place;
    if (!place || this.#going) return;
    if (place.scroller.scrollTop < this.#ahead) void this.#load(() => this.model.loadOlder());
    if (place.below < this.#ahead) void this.#load(() => this.model.loadNewer());
  }

  async #load(page: () => Promise<void>): Promise<void> {
    if (WEBKIT && performance.now() - this.#scrolledAt < REST_MS) {
      setTimeout(() => this.#loadMore(), REST_MS);
      return;
    }
    try {
      await page();
      this.failed.value = false;
    } catch {
      this.failed.value = true;
    }
  }

  #read(): void {
    clearTimeout(this.#readTimer);
    const isSeen = document.hasFocus() && !document.hidden && !this.state.summary.peek().request;
    const seen = isSeen && this.#place ? this.#place.inView : [];
    const now = performance.now();
    if (this.#reading.seen(seen.map((row) => Number(row.dataset.seq)), now)) this.state.room.read(this.#reading.read);
    const due = this.#reading.due(now);
    if (due !== undefined) this.#readTimer = Number(setTimeout(() => this.#read(), due));
  }

  #announce(messages: readonly Message[]): void {
    const message = messages.at(-1)!;
    if (message.user === me.peek() || isBlocked(message.user)) return;
    const name = userOf(message.user).peek().name;
    announce(t("chat.says", { name, text: message.text || wordsOf(message.body) }));
  }
}
