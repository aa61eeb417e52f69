/** The parts of a client put together; the public face is client.ts, the rules are in the parts.
 *
 * Everything on a connection passes through here in order: hello, replies and pushes, the end. Without tabs an engine
 * always leads. With them it may follow: then it has no connection, its state is what the leader tells (`take`), and
 * commands go to the leader.
 */

import { ChangeFeed } from "./change_feed.js";
import { Commands, type LiveState } from "./commands.js";
import type { Connection, Ending } from "./connection.js";
import { Account, type AccountDelegate } from "./core/account.js";
import type { Change } from "./core/changes.js";
import type { Codec } from "./core/codec.js";
import { ChatError, Closed, ConnectionLost, errorFromPlain, plainError, Unreachable } from "./core/errors.js";
import type { EntryRecord } from "./core/outbox.js";
import type { Event, HelloReply, Packet, UserEntry } from "./core/packets.js";
import type { Row, Tables } from "./core/records.js";
import type { Replica } from "./core/replica.js";
import { closeRule, type Phase } from "./core/states.js";
import { pauseS, type Timing } from "./core/timing.js";
import { wait, type Env, type Timer } from "./env.js";
import { Lifecycle, VERSION, type LifecycleDelegate } from "./lifecycle.js";
import { Repairer } from "./repair.js";
import { Sender, type Receipt } from "./sender.js";
import type { Settings } from "./settings.js";
import { Signals } from "./signals.js";
import { put, type Storage } from "./storage.js";
import type { Answer, Ask, News, Tab, Tabs } from "./tab_link.js";
import { TokenRefresh } from "./token_refresh.js";
import { Tokens, type GetToken } from "./tokens.js";
import { TypingState } from "./typing_state.js";

/** Rooms of a page below which a slow link (4002) no longer halves it. */
const SMALLEST_PAGE = 10;

/** The close code of the client itself for "the token is of another user": in the range that stops, and never on the
 * wire. */
const OTHER_USER = 4299;

/** What an engine is made of. */
export interface Parts {
  readonly url: string;
  readonly token: GetToken;
  readonly device: string;
  readonly storage: Storage;
  readonly tabs: Tabs | undefined;
  readonly env: Env;
  readonly settings: Settings;
}

/** One client without its public face; it is the delegate of its account and of its life cycle, and a tab. */
export class Engine implements AccountDelegate, LifecycleDelegate, Tab {
  readonly env: Env;
  readonly settings: Settings;
  readonly timing: Timing;
  readonly log: (text: string) => void;
  readonly codec: Codec;
  readonly feed: ChangeFeed;
  readonly account: Account;
  readonly sender: Sender;
  readonly repairer: Repairer;
  readonly signals: Signals;
  readonly lifecycle: Lifecycle;
  readonly typingState: TypingState;
  readonly users = new Map<string, UserEntry>();
  readonly drafts = new Map<string, unknown>();
  device: string;
  private readonly _commands = new Commands(this);
  private readonly _tokenRefresh: TokenRefresh;
  private readonly _storage: Storage;
  private readonly _tabs: Tabs | undefined;
  private readonly _rooms = new Map<string, Promise<void>>();
  private readonly _waiting = new Map<string, (change: Change) => void>();
  private _deciders: (() => void)[] = [];
  private _started: Promise<void> | undefined;
  private _leading = false;
  private readonly _tab: string;
  private _focus: readonly string[] = [];
  private _watched: readonly string[] = [];
  private _visible = true;
  // What a follower knows of the leader.
  private _followed: { phase: Phase; closed: Closed | undefined } = { phase: "stopped", closed: undefined };
  private _page: number;
  // Changes that go to the other tabs with the next rows; undefined while those of another tab are passed on.
  private _untold: Change[] | undefined = [];
  private _noting: Promise<void> | undefined;
  private _written: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts) {
    const { env, settings } = parts;
    this.env = env;
    this.settings = settings;
    this.timing = settings.timing;
    this.log = settings.log;
    this.codec = settings.codec;
    this.device = parts.device;
    this._storage = parts.storage;
    this._tabs = parts.tabs;
    this._tab = parts.tabs?.id ?? "";
    this._page = settings.firstPage;
    this.feed = new ChangeFeed(this.log);
    this.typingState = new TypingState(env, settings.timing.typingShownS, this.feed);
    this.account = new Account(this, settings.messagesKept);
    const store = (rows: readonly Row[], durable: boolean) => this._store(rows, durable);
    this.sender = new Sender(store, this.account, this.feed, this.codec, env, settings);
    this.repairer = new Repairer((packet, wanted) => this.call(packet, settings.timing.callS, wanted), this.account, env, settings);
    this.signals = new Signals(this.account, env, settings);
    const tokens = new Tokens(parts.token);
    this.lifecycle = new Lifecycle(parts.url, tokens, this);
    this._tokenRefresh = new TokenRefresh(tokens, env, settings.timing, this.log);
    this._storage.onLost = (reason) => this.feed.emit({ kind: "storageLost", reason });
    this.feed.subscribe((change) => this._onEmitted(change));
  }

  // Life cycle.

  /** Load what is stored and begin to connect, or to follow the tab that is connected. */
  start(): Promise<void> {
    return (this._started ??= this._tabs ? this._tabs.start(this) : this.lead());
  }

  /** Close the connection and the storage; a closed engine cannot be started again. */
  async close(): Promise<void> {
    if (!this._started) return;
    await this._started.catch(() => {});
    await this.lifecycle.stop();
    await this._settled();
    await this._tabs?.stop();
    await this._storage.close();
  }

  async suspend(): Promise<void> {
    if (!this._leading) return;
    this._commands.background();
    await this.lifecycle.suspend();
    await this._settled();
  }

  resume(): Promise<void> {
    return this.run("resume");
  }

  // The screen: whoever leads is told again, since it may be another tab by now.

  focus(rooms: readonly string[]): void {
    this._focus = rooms;
    this.tell("focus", this._visible ? rooms : [], this._tab);
  }

  watch(users: readonly string[]): void {
    this._watched = users;
    this.tell("watch", users, this._tab);
  }

  show(visible: boolean): void {
    this._visible = visible;
    if (this._focus.length) this.focus(this._focus);
  }

  get phase(): Phase {
    return this._leading ? this.lifecycle.phase : this._followed.phase;
  }

  get closed(): Closed | undefined {
    return this._leading ? this.lifecycle.closed : this._followed.closed;
  }

  /** Wait until the phase is "ready". */
  connected(timeoutS: number): Promise<void> {
    const late = () => new Unreachable(`not connected in time: ${this.lifecycle.trouble ?? "no answer"}`, { cause: this.lifecycle.trouble });
    return this._within(timeoutS, late, async (isLate) => {
      while (this.phase !== "ready" && !isLate()) {
        if (this.phase === "stopped" && this._leading) throw this._whyStopped();
        await this._decision();
      }
    });
  }

  // A tab among others.

  async lead(): Promise<void> {
    this._leading = true;
    await this._load();
    this._showAgain();
    this.lifecycle.start();
  }

  async follow(): Promise<void> {
    if (this._leading) {
      void this.lifecycle.stop();
      await this._settled();
    }
    this._leading = false;
    await this._load();
    this._showAgain();
    // Whoever leads may take a while to answer.
    this.run("state").then((state) => this._takeState(state), () => {});
  }

  take({ rows, changes }: News): void {
    for (const { table, key, value } of rows) {
      if (table === "outbox") this.sender.adopt(key as string, value as EntryRecord | undefined);
      else if (table === "drafts") put(this.drafts, key as string, value);
      else if (table === "users") put(this.users, key as string, value as UserEntry | undefined);
      else if (!this._leading) {
        this.account.adopt({ table, key, value });
        // Of a room that this tab has opened, the messages are here.
        if (table === "rooms" && this._rooms.has(key as string)) this.account.peek(key as string).timeline.takeStored([]);
      }
    }
    for (const change of changes) this._pass(change);
  }

  async perform({ name, args }: Ask): Promise<Answer> {
    try {
      const command = this._commands[name as keyof Commands] as (...args: unknown[]) => unknown;
      const value = await command.apply(this._commands, [...args]);
      // Who asked is to see what the command changed before its answer.
      await this._settled();
      return { value };
    } catch (error) {
      return { error: plainError(error) };
    }
  }

  left(tab: string): void {
    if (this._leading) this._commands.left(tab);
  }

  /** Carry out a command, here or in the tab that leads. */
  async run<Name extends keyof Commands>(
    name: Name, ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    if (this._leading || !this._tabs) {
      const command = this._commands[name] as (...args: unknown[]) => never;
      const value = await command.apply(this._commands, args);
      this._noteSoon();
      return value;
    }
    const answer = await this._tabs.ask({ name, args });
    if ("error" in answer) throw errorFromPlain(answer.error);
    return answer.value as never;
  }

  /** Carry out a command that needs no answer. */
  tell<Name extends keyof Commands>(name: Name, ...args: Parameters<Commands[Name]>): void {
    this.run(name, ...args).catch((error: unknown) => this.log(`${name} failed: ${error}`));
  }

  private _showAgain(): void {
    if (this._focus.length) this.focus(this._focus);
    if (this._watched.length) this.watch(this._watched);
  }

  // Requests.

  /** Return the `ok` to a request, over as many connections as it takes within `timeoutS` seconds.
   *
   * Every request of the protocol may be repeated: reads, keyed mutations, replacements of a set. A refusal for now is
   * waited out if the time allows. Rejects with the `ChatError`, `Closed` or `Unreachable`, and with anything once it is
   * not `wanted` any more.
   */
  call(packet: Packet, timeoutS = this.timing.callS, wanted = () => true): Promise<Packet> {
    let refusal: ChatError | undefined;
    const late = () => refusal ?? new Unreachable(`no answer to ${packet.type} within ${timeoutS} s`);
    return this._within(timeoutS, late, async (isLate) => {
      while (!isLate() && wanted()) {
        const { connection, phase } = this.lifecycle;
        if (phase === "stopped") throw this._whyStopped();
        if (phase !== "ready" || !connection?.alive) {
          await this._decision();
          continue;
        }
        try {
          return await connection.request(packet);
        } catch (error) {
          if (error instanceof ConnectionLost) continue;
          if (!(error instanceof ChatError)) throw error;
          refusal = error;
          const pause = pauseS(this.timing, error.retry_after);
          if (!["later", "after_auth"].includes(error.retry) || pause > timeoutS) throw error;
          await wait(this.env, pause);
        }
      }
      throw late();
    });
  }

  /** Put a mutation into the outbox and return its key, once it is stored. */
  async post(packet: Packet): Promise<string> {
    const entry = await this.sender.post(packet);
    if (!this._leading) this.tell("wake", entry.key, entry.record());
    return entry.key;
  }

  /** Send by the outbox and wait for the acknowledgement; rejects with `Closed` when the client stops. */
  async deliver(packet: Packet): Promise<Receipt> {
    if (this.phase === "stopped" && (this._leading || this.closed)) throw this._whyStopped();
    const { key } = packet;
    const answered = new Promise<Receipt>((resolve, reject) => {
      this._waiting.set(key, (change) => {
        if (change.kind === "sendDone") resolve(change);
        if (change.kind === "stateChanged") reject(this._whyStopped());
        if (change.kind !== "sendFailed") return;
        // The caller knows; nobody else has to deal with it.
        this.tell("discard", key);
        reject(new ChatError(change.error));
      });
    });
    answered.catch(() => {});
    try {
      await this.post(packet);
      return await answered;
    } finally {
      this._waiting.delete(key);
    }
  }

  // Local state.

  /** Load what is stored of a room into its timeline, once. */
  opened(room: string): Promise<void> {
    let loading = this._rooms.get(room);
    const replica = this.account.replicas.get(room);
    if (loading || !replica) return loading ?? Promise.resolve();
    loading = this._storage.messages(room).then((messages) => {
      if (this.account.replicas.get(room) === replica) replica.timeline.takeStored(messages as Event[]);
    });
    this._rooms.set(room, loading);
    return loading;
  }

  async setDraft(place: string, draft: unknown): Promise<void> {
    put(this.drafts, place, draft);
    this.feed.emit({ kind: "draftChanged", place });
    await this._store([{ table: "drafts", key: place, ...(draft !== undefined && { value: draft }) }], false);
  }

  async keepUsers(users: readonly UserEntry[]): Promise<void> {
    if (!users.length) return;
    for (const entry of users) this.users.set(entry.user, entry);
    this.feed.emit({ kind: "usersChanged", users: users.map(({ user }) => user) });
    await this._store(users.map((value) => ({ table: "users", key: value.user, value })), false);
  }

  // The delegate of the account.

  onChange(change: Change): void {
    this.feed.emit(change);
    if (change.kind === "messageAdded") this.typingState.stopped(change.room, change.message.user);
    if (change.kind === "roomGone") this._rooms.delete(change.room);
  }

  onTyping(room: string, user: string): void {
    this.typingState.typing(room, user);
  }

  onGap(replica: Replica): void {
    if (this._leading) this.repairer.soon(replica);
  }

  onBehind(replica: Replica): void {
    if (this._leading) this.repairer.perhaps(replica);
  }

  onMoreRows(): void {
    this.repairer.syncAgain();
  }

  onOwnMessage(event: Event): void {
    this.sender.ownMessage(event);
  }

  // The delegate of the life cycle.

  hello(token: string): Packet {
    const { app, os, locale, codec, previews, inlineEvents } = this.settings;
    const { account } = this;
    const words = Object.fromEntries(Object.entries({ app, os, locale }).filter(([, word]) => word));
    account.beginRound();
    return {
      type: "hello", version: VERSION, token, device: this.device, ...words,
      features: codec.wrapped && this.env.inflate ? ["deflate", "account"] : ["account"],
      ...(this.lifecycle.background && { mode: "background" }),
      ...(account.focused.length && { focus: [...account.focused] }),
      rooms: this._page,
      ...(previews && { previews }),
      ...(account.epoch && account.cursor && { epoch: account.epoch, cursor: account.cursor, events: inlineEvents }),
    };
  }

  onOpened(connection: Connection): void {
    this.sender.opened(connection);
  }

  onWelcomed(connection: Connection, reply: HelloReply): void {
    const { account, repairer } = this;
    if (account.user && account.user !== reply.user) {
      return connection.drop("the storage belongs to another user", OTHER_USER);
    }
    account.takeHello(reply);
    const more = account.takeSync(reply.sync);
    repairer.page = Math.min(repairer.page, connection.limits.page);
    if (more) repairer.pages(more);
    this.sender.ready(connection.limits);
    this.signals.connected(connection);
    repairer.resume();
  }

  onPush(packet: Packet): void {
    if (packet.type === "token_expiring") {
      const { connection } = this.lifecycle;
      if (connection) void this._tokenRefresh.start(connection);
    } else this.account.takePush(packet);
  }

  onFrame(): void {
    this._noteSoon();
  }

  onLost({ code }: Ending): void {
    const rule = closeRule(code);
    if (rule.dropCursor) this.account.dropCursor();
    if (rule.smallerPages) {
      this._page = Math.max(SMALLEST_PAGE, this._page >> 1);
      this.repairer.page = Math.max(SMALLEST_PAGE, this.repairer.page >> 1);
    }
    this.repairer.stop();
    this.sender.lost();
    this.signals.disconnected();
    this.typingState.clear();
    this._noteSoon();
  }

  onPhase(phase: Phase, closed: Closed | undefined): void {
    const { code, reason } = (phase === "stopped" && closed) || { code: 0, reason: "" };
    this.feed.emit({ kind: "stateChanged", phase, code, reason });
  }

  // Storing.

  /** Write rows, and tell them and what was emitted to the other tabs. */
  private _store(rows: readonly Row[], durable: boolean): Promise<void> {
    const changes = this._untold?.splice(0) ?? [];
    const written = (rows.length ? this._storage.write(rows, durable) : Promise.resolve()).finally(() => this._tabs?.publish({ rows, changes }));
    this._written = written.catch(() => {});
    return written;
  }

  /** Write what changed, once what happens now is over: one transaction for a frame. */
  private _noteSoon(): void {
    this._noting ??= Promise.resolve().then(() => this._note());
  }

  private _note(): void {
    this._noting = undefined;
    const rows = this._leading ? this.account.records() : [];
    if (!rows.length && !this._untold?.length) return;
    this._store(rows, false).catch((error: unknown) => this.log(`not stored: ${error}`));
  }

  /** Wait until everything so far is written and told. */
  private async _settled(): Promise<void> {
    this._note();
    await this._written;
  }

  private async _load(): Promise<void> {
    const tables: Tables = await this._storage.load();
    this.account.restore(tables);
    this.sender.restore(tables);
    this.users.clear();
    this.drafts.clear();
    for (const [user, entry] of tables.users ?? []) this.users.set(user, entry as UserEntry);
    for (const [place, draft] of tables.drafts ?? []) this.drafts.set(place, draft);
    const gone = this._storage.keepsMessages ? ((this._leading && (await this._storage.surplus?.())) || []) : this.account.replicas.keys();
    for (const room of [...gone]) this.account.forget(room);
    const open = [...this._rooms.keys()];
    this._rooms.clear();
    await Promise.all(open.map((room) => this.opened(room)));
    const stored = tables.account?.get("device") as string | undefined;
    const device = this.device || stored || this.env.device();
    this.device = device;
    if (this._leading && device !== stored) await this._store([{ table: "account", key: "device", value: device }], false);
    this._pass({ kind: "changesMissed" });
  }

  // Changes.

  /** Hear a change that this client reports. */
  private _onEmitted(change: Change): void {
    if (change.kind === "stateChanged") this._decide();
    if (change.kind === "messageAdded" && this._leading && this.settings.delivered) this.signals.arrived(change);
    if ("key" in change) this._waiting.get(change.key)?.(change);
    if (change.kind === "stateChanged" && change.phase === "stopped") {
      for (const hear of [...this._waiting.values()]) hear(change);
    }
    if (!this._tabs || !this._untold) return;
    this._untold.push(change);
    this._noteSoon();
  }

  /** Report a change that another tab reported. */
  private _pass(change: Change): void {
    const { _untold: untold } = this;
    this._untold = undefined;
    try {
      if (change.kind === "typingStarted") this.typingState.typing(change.room, change.user);
      else if (change.kind === "typingStopped") this.typingState.stopped(change.room, change.user);
      else {
        if (change.kind === "stateChanged" && !this._leading) {
          const { phase, code, reason } = change;
          this._followed = { phase, closed: phase === "stopped" ? new Closed(code, reason) : undefined };
        }
        if (change.kind === "presenceChanged") {
          const { user, state, last_seen } = change;
          this.account.presence.set(user, { state, last_seen });
        }
        this.feed.emit(change);
      }
    } finally {
      this._untold = untold;
    }
  }

  private _takeState({ phase, closed, presence }: LiveState): void {
    for (const [user, { state, last_seen }] of presence) {
      this._pass({ kind: "presenceChanged", user, state, last_seen });
    }
    this._pass({ kind: "stateChanged", phase, code: closed?.[0] ?? 0, reason: closed?.[1] ?? "" });
  }

  // Waiting.

  private _whyStopped(): Closed {
    return this.closed ?? new Closed(0, "not started", this.lifecycle.trouble);
  }

  /** Wait for the next phase. */
  private _decision(): Promise<void> {
    return new Promise((resolve) => this._deciders.push(resolve));
  }

  private _decide(): void {
    const { _deciders: deciders } = this;
    this._deciders = [];
    for (const resolve of deciders) resolve();
  }

  /** Return what `work` returns, or reject with what `late` makes after `timeoutS` seconds; the work hears of that. */
  private async _within<T>(
    timeoutS: number, late: () => Error, work: (isLate: () => boolean) => Promise<T>,
  ): Promise<T> {
    let timer: Timer | undefined;
    let over = false;
    const timeout = new Promise<never>((_, reject) => {
      if (timeoutS === Infinity) return;
      timer = this.env.callLater(timeoutS, () => {
        over = true;
        reject(late());
      });
    });
    try {
      return await Promise.race([work(() => over), timeout]);
    } finally {
      timer?.cancel();
    }
  }
}
