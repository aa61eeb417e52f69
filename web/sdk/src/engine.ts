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
import { CODECS, type Codec } from "./core/codec.js";
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
import type { Storage } from "./storage.js";
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
  private readonly commands = new Commands(this);
  private readonly tokenRefresh: TokenRefresh;
  private readonly storage: Storage;
  private readonly tabs: Tabs | undefined;
  private readonly rooms = new Map<string, Promise<void>>();
  private readonly waiting = new Map<string, (change: Change) => void>();
  private deciders: (() => void)[] = [];
  private started: Promise<void> | undefined;
  private leading = false;
  // What a follower knows of the leader.
  private followed: { phase: Phase; closed: Closed | undefined } = { phase: "stopped", closed: undefined };
  private page: number;
  // Changes that go to the other tabs with the next rows; undefined while those of another tab are passed on.
  private untold: Change[] | undefined = [];
  private noting: Promise<void> | undefined;
  private written: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts) {
    const { env, settings } = parts;
    this.env = env;
    this.settings = settings;
    this.timing = settings.timing;
    this.log = settings.log;
    this.codec = CODECS[settings.encoding];
    this.device = parts.device;
    this.storage = parts.storage;
    this.tabs = parts.tabs;
    this.page = settings.firstPage;
    this.feed = new ChangeFeed(this.log);
    this.typingState = new TypingState(env, settings.timing.typingShownS, this.feed);
    this.account = new Account(this, settings.messagesKept);
    const store = (rows: readonly Row[], durable: boolean) => this.store(rows, durable);
    this.sender = new Sender(store, this.account, this.feed, this.codec, env, settings);
    this.repairer = new Repairer((packet, wanted) => this.call(packet, settings.timing.callS, wanted), this.account, env, settings);
    this.signals = new Signals(this.account, env, settings);
    const tokens = new Tokens(parts.token);
    this.lifecycle = new Lifecycle(parts.url, tokens, this);
    this.tokenRefresh = new TokenRefresh(tokens, env, settings.timing, this.log);
    this.storage.onLost = (reason) => this.feed.emit({ kind: "storageLost", reason });
    this.feed.subscribe((change) => this.onEmitted(change));
  }

  // Life cycle.

  /** Load what is stored and begin to connect, or to follow the tab that is connected. */
  start(): Promise<void> {
    return (this.started ??= this.tabs ? this.tabs.start(this) : this.lead());
  }

  /** Close the connection and the storage; a closed engine cannot be started again. */
  async close(): Promise<void> {
    if (!this.started) return;
    await this.started.catch(() => {});
    await this.lifecycle.stop();
    await this.settled();
    await this.tabs?.stop();
    await this.storage.close();
  }

  async suspend(): Promise<void> {
    if (!this.leading) return;
    this.commands.background();
    await this.lifecycle.suspend();
    await this.settled();
  }

  resume(): Promise<void> {
    return this.run("resume");
  }

  get tab(): string {
    return this.tabs?.id ?? "";
  }

  get phase(): Phase {
    return this.leading ? this.lifecycle.phase : this.followed.phase;
  }

  get closed(): Closed | undefined {
    return this.leading ? this.lifecycle.closed : this.followed.closed;
  }

  /** Wait until the phase is "ready". */
  connected(timeoutS: number): Promise<void> {
    const late = () => new Unreachable(`not connected in time: ${this.lifecycle.trouble ?? "no answer"}`, { cause: this.lifecycle.trouble });
    return this.within(timeoutS, late, async (isLate) => {
      while (this.phase !== "ready" && !isLate()) {
        if (this.phase === "stopped" && this.leading) throw this.whyStopped();
        await this.decision();
      }
    });
  }

  // A tab among others.

  async lead(): Promise<void> {
    this.leading = true;
    await this.load();
    this.lifecycle.start();
  }

  async follow(): Promise<void> {
    if (this.leading) {
      void this.lifecycle.stop();
      await this.settled();
    }
    this.leading = false;
    await this.load();
    // Whoever leads may take a while to answer.
    this.run("state").then((state) => this.takeState(state), () => {});
  }

  take({ rows, changes }: News): void {
    for (const { table, key, value } of rows) {
      if (table === "outbox") this.sender.adopt(key as string, value as EntryRecord | undefined);
      else if (table === "drafts") put(this.drafts, key as string, value);
      else if (table === "users") put(this.users, key as string, value as UserEntry | undefined);
      else if (!this.leading) this.account.adopt({ table, key, value });
    }
    for (const change of changes) this.pass(change);
  }

  async perform({ name, args }: Ask): Promise<Answer> {
    try {
      const command = this.commands[name as keyof Commands] as (...args: unknown[]) => unknown;
      const value = await command.apply(this.commands, [...args]);
      // Who asked is to see what the command changed before its answer.
      await this.settled();
      return { value };
    } catch (error) {
      return { error: plainError(error) };
    }
  }

  left(tab: string): void {
    if (this.leading) this.commands.left(tab);
  }

  /** Carry out a command, here or in the tab that leads. */
  async run<Name extends keyof Commands>(
    name: Name, ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    if (this.leading || !this.tabs) {
      const command = this.commands[name] as (...args: unknown[]) => never;
      const value = await command.apply(this.commands, args);
      this.noteSoon();
      return value;
    }
    const answer = await this.tabs.ask({ name, args });
    if ("error" in answer) throw errorFromPlain(answer.error);
    return answer.value as never;
  }

  /** Carry out a command that needs no answer. */
  tell<Name extends keyof Commands>(name: Name, ...args: Parameters<Commands[Name]>): void {
    this.run(name, ...args).catch((error: unknown) => this.log(`${name} failed: ${error}`));
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
    return this.within(timeoutS, late, async (isLate) => {
      while (!isLate() && wanted()) {
        const { connection, phase } = this.lifecycle;
        if (phase === "stopped") throw this.whyStopped();
        if (phase !== "ready" || !connection?.alive) {
          await this.decision();
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
    if (!this.leading) this.tell("wake", entry.key, entry.record());
    return entry.key;
  }

  /** Send by the outbox and wait for the acknowledgement; rejects with `Closed` when the client stops. */
  async deliver(packet: Packet): Promise<Receipt> {
    if (this.phase === "stopped" && (this.leading || this.closed)) throw this.whyStopped();
    const { key } = packet;
    const answered = new Promise<Receipt>((resolve, reject) => {
      this.waiting.set(key, (change) => {
        if (change.kind === "sendDone") resolve(change);
        if (change.kind === "stateChanged") reject(this.whyStopped());
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
      this.waiting.delete(key);
    }
  }

  // Local state.

  /** Load what is stored of a room into its timeline, once. */
  opened(room: string): Promise<void> {
    let loading = this.rooms.get(room);
    const replica = this.account.replicas.get(room);
    if (loading || !replica) return loading ?? Promise.resolve();
    loading = this.storage.room(room).then(({ messages, intervals }) => {
      if (this.account.replicas.get(room) !== replica) return;
      replica.timeline.takeStored(messages as Event[], intervals);
      if (!this.leading) replica.timeline.written();
    });
    this.rooms.set(room, loading);
    return loading;
  }

  async setDraft(place: string, draft: unknown): Promise<void> {
    put(this.drafts, place, draft);
    this.feed.emit({ kind: "draftChanged", place });
    await this.store([{ table: "drafts", key: place, ...(draft !== undefined && { value: draft }) }], false);
  }

  async keepUsers(users: readonly UserEntry[]): Promise<void> {
    if (!users.length) return;
    for (const entry of users) this.users.set(entry.user, entry);
    this.feed.emit({ kind: "usersChanged", users: users.map(({ user }) => user) });
    await this.store(users.map((value) => ({ table: "users", key: value.user, value })), false);
  }

  // The delegate of the account.

  onChange(change: Change): void {
    this.feed.emit(change);
    if (change.kind === "messageAdded") this.typingState.stopped(change.room, change.message.user);
    if (change.kind === "roomGone") this.rooms.delete(change.room);
  }

  onTyping(room: string, user: string): void {
    this.typingState.typing(room, user);
  }

  onGap(replica: Replica): void {
    if (this.leading) this.repairer.soon(replica);
  }

  onBehind(replica: Replica): void {
    if (this.leading) this.repairer.perhaps(replica);
  }

  onMoreRows(): void {
    this.repairer.syncAgain();
  }

  onOwnMessage(event: Event): void {
    this.sender.ownMessage(event);
  }

  // The delegate of the life cycle.

  hello(token: string): Packet {
    const { app, os, locale, encoding, previews, inlineEvents } = this.settings;
    const { account } = this;
    const words = Object.fromEntries(Object.entries({ app, os, locale }).filter(([, word]) => word));
    account.beginRound();
    return {
      type: "hello", version: VERSION, token, device: this.device, ...words,
      features: encoding === "msgpack" ? ["deflate", "account"] : ["account"],
      ...(this.lifecycle.background && { mode: "background" }),
      ...(account.focused.length && { focus: [...account.focused] }),
      rooms: this.page,
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
      if (connection) void this.tokenRefresh.start(connection);
    } else this.account.takePush(packet);
  }

  onFrame(): void {
    this.noteSoon();
  }

  onLost({ code }: Ending): void {
    const rule = closeRule(code);
    if (rule.dropCursor) this.account.dropCursor();
    if (rule.smallerPages) {
      this.page = Math.max(SMALLEST_PAGE, this.page >> 1);
      this.repairer.page = Math.max(SMALLEST_PAGE, this.repairer.page >> 1);
    }
    this.repairer.stop();
    this.sender.lost();
    this.signals.disconnected();
    this.typingState.clear();
    this.noteSoon();
  }

  onPhase(phase: Phase, closed: Closed | undefined): void {
    const { code, reason } = (phase === "stopped" && closed) || { code: 0, reason: "" };
    this.feed.emit({ kind: "stateChanged", phase, code, reason });
  }

  // Storing.

  /** Write rows, and tell them and what was emitted to the other tabs. */
  private store(rows: readonly Row[], durable: boolean): Promise<void> {
    const changes = this.untold?.splice(0) ?? [];
    const written = this.storage.write(rows, durable).finally(() => this.tabs?.publish({ rows, changes }));
    this.written = written.catch(() => {});
    return written;
  }

  /** Write what changed, once what happens now is over: one transaction for a frame. */
  private noteSoon(): void {
    if (this.leading) this.noting ??= Promise.resolve().then(() => this.note());
  }

  private note(): void {
    this.noting = undefined;
    const rows = this.account.records();
    if (!rows.length && !(this.tabs && this.untold?.length)) return;
    this.store(rows, false).catch((error: unknown) => this.log(`not stored: ${error}`));
  }

  /** Wait until everything so far is written and told. */
  private async settled(): Promise<void> {
    if (this.leading) this.note();
    await this.written;
  }

  private async load(): Promise<void> {
    const tables: Tables = await this.storage.load();
    this.account.restore(tables);
    this.sender.restore(tables);
    this.users.clear();
    this.drafts.clear();
    for (const [user, entry] of tables.users ?? []) this.users.set(user, entry as UserEntry);
    for (const [place, draft] of tables.drafts ?? []) this.drafts.set(place, draft);
    const open = [...this.rooms.keys()];
    this.rooms.clear();
    await Promise.all(open.map((room) => this.opened(room)));
    const stored = tables.account?.get("device") as string | undefined;
    const device = this.device || stored || this.env.device();
    this.device = device;
    if (this.leading && device !== stored) await this.store([{ table: "account", key: "device", value: device }], false);
    this.pass({ kind: "changesMissed" });
  }

  // Changes.

  /** Hear a change that this client reports. */
  private onEmitted(change: Change): void {
    if (change.kind === "stateChanged") this.decide();
    if (change.kind === "messageAdded" && this.leading && this.settings.delivered) this.signals.arrived(change);
    if ("key" in change) this.waiting.get(change.key)?.(change);
    if (change.kind === "stateChanged" && change.phase === "stopped") {
      for (const hear of [...this.waiting.values()]) hear(change);
    }
    if (!this.tabs || !this.untold) return;
    this.untold.push(change);
    this.noteSoon();
  }

  /** Report a change that another tab reported. */
  private pass(change: Change): void {
    const { untold } = this;
    this.untold = undefined;
    try {
      if (change.kind === "typingStarted") this.typingState.typing(change.room, change.user);
      else if (change.kind === "typingStopped") this.typingState.stopped(change.room, change.user);
      else {
        if (change.kind === "stateChanged" && !this.leading) {
          const { phase, code, reason } = change;
          this.followed = { phase, closed: phase === "stopped" ? new Closed(code, reason) : undefined };
        }
        if (change.kind === "presenceChanged") {
          const { user, state, last_seen } = change;
          this.account.presence.set(user, { state, last_seen });
        }
        this.feed.emit(change);
      }
    } finally {
      this.untold = untold;
    }
  }

  private takeState({ phase, closed, presence }: LiveState): void {
    for (const [user, { state, last_seen }] of presence) {
      this.pass({ kind: "presenceChanged", user, state, last_seen });
    }
    this.pass({ kind: "stateChanged", phase, code: closed?.[0] ?? 0, reason: closed?.[1] ?? "" });
  }

  // Waiting.

  private whyStopped(): Closed {
    return this.closed ?? new Closed(0, "not started", this.lifecycle.trouble);
  }

  /** Wait for the next phase. */
  private decision(): Promise<void> {
    return new Promise((resolve) => this.deciders.push(resolve));
  }

  private decide(): void {
    const { deciders } = this;
    this.deciders = [];
    for (const resolve of deciders) resolve();
  }

  /** Return what `work` returns, or reject with what `late` makes after `timeoutS` seconds; the work hears of that. */
  private async within<T>(
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

function put<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
