/** The parts of a client put together; the public face is client.ts, the rules are in the parts.
 *
 * Everything on a connection passes through here in order: hello, replies and pushes, the end. tab_engine.ts has the
 * engine of which several share one storage.
 */

import { Caller } from "./calls.js";
import { ChangeFeed } from "./change_feed.js";
import { Commands } from "./commands.js";
import type { Connection, Ending } from "./connection.js";
import { Account, type AccountDelegate } from "./core/account.js";
import type { Change } from "./core/changes.js";
import type { Codec } from "./core/codec.js";
import type { Closed } from "./core/errors.js";
import type { Event, HelloReply, Packet, Profile } from "./core/packets.js";
import type { Row, Tables } from "./core/records.js";
import type { Replica } from "./core/replica.js";
import { closeRule, type Phase } from "./core/states.js";
import type { Timing } from "./core/timing.js";
import type { Env } from "./env.js";
import { Lifecycle, VERSION, type LifecycleDelegate } from "./lifecycle.js";
import { Repairer } from "./repair.js";
import { Sender } from "./sender.js";
import type { Settings } from "./settings.js";
import { Signals } from "./signals.js";
import { put, type Storage } from "./storage.js";
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
  readonly codec: Codec | undefined;
  readonly env: Env;
  readonly settings: Settings;
  /** The class of the account; that of people (people.ts) has more. */
  readonly account: typeof Account | undefined;
}

/** One client without its public face; it is the delegate of its account and of its life cycle. */
export class Engine extends Caller implements AccountDelegate, LifecycleDelegate {
  readonly env: Env;
  readonly settings: Settings;
  readonly timing: Timing;
  readonly log: (text: string) => void;
  /** Known once the engine has started. */
  codec!: Codec;
  readonly feed: ChangeFeed;
  readonly account: Account;
  readonly sender: Sender;
  readonly repairer: Repairer;
  readonly signals: Signals;
  readonly lifecycle: Lifecycle;
  readonly typingState: TypingState;
  readonly users = new Map<string, Profile>();
  readonly drafts = new Map<string, unknown>();
  device: string;
  protected readonly _commands: Commands = new Commands(this);
  private readonly _tokenRefresh: TokenRefresh;
  protected readonly _storage: Storage;
  protected readonly _rooms = new Map<string, Promise<void>>();
  protected _started: Promise<void> | undefined;
  private _page: number;
  private _noting: Promise<void> | undefined;
  protected _written: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts) {
    super();
    const { env, settings } = parts;
    this.env = env;
    this.settings = settings;
    this.timing = settings.timing;
    this.log = settings.log;
    this.device = parts.device;
    if (parts.codec) this.codec = parts.codec;
    this._storage = parts.storage;
    this._page = settings.firstPage;
    this.feed = new ChangeFeed(this.log);
    this.typingState = new TypingState(env, settings.timing.typingShownS, this.feed);
    this.account = new (parts.account ?? Account)(this, settings.messagesKept);
    const store = (rows: readonly Row[], durable: boolean) => this.store(rows, durable);
    this.sender = new Sender(store, this.account, this.feed, this);
    this.repairer = new Repairer((packet, wanted) => this.call(packet, settings.timing.callS, wanted), this.account, env, settings);
    this.signals = new Signals(this.account, env, settings);
    const tokens = new Tokens(parts.token);
    this.lifecycle = new Lifecycle(parts.url, tokens, this);
    this._tokenRefresh = new TokenRefresh(tokens, env, settings.timing, this.log);
    this._storage.onLost = (reason) => this.feed.emit({ kind: "storageLost", reason });
    this.feed.subscribe((change) => this._onEmitted(change));
  }

  // Life cycle.

  /** Load what is stored and begin to connect. */
  start(): Promise<void> {
    return (this._started ??= this.lead());
  }

  async lead(): Promise<void> {
    await this._load();
    this.lifecycle.start();
  }

  /** Close the connection and the storage; a closed engine cannot be started again. */
  async close(): Promise<void> {
    if (!this._started) return;
    await this._started.catch(() => {});
    await this.lifecycle.stop();
    await this._settled();
    await this._storage.close();
  }

  async suspend(): Promise<void> {
    this._commands.background();
    await this.lifecycle.suspend();
    await this._settled();
  }

  resume(): Promise<void> {
    return this.run("resume");
  }

  get phase(): Phase {
    return this.lifecycle.phase;
  }

  get closed(): Closed | undefined {
    return this.lifecycle.closed;
  }

  /** Carry out a command. */
  async run<Name extends keyof Commands>(
    name: Name, ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    const command = this._commands[name] as (...args: unknown[]) => never;
    return command.apply(this._commands, args);
  }

  /** Carry out a command that needs no answer. */
  tell<Name extends keyof Commands>(name: Name, ...args: Parameters<Commands[Name]>): void {
    this.run(name, ...args).catch((error: unknown) => this.log(`${name} failed: ${error}`));
  }

  /** Put a mutation into the outbox and return its key, once it is stored; the draft at this place goes with it. */
  async post(packet: Packet, draft?: string): Promise<string> {
    // First, so that the other tabs hear of it with the rows.
    if (draft) this._takeDraft(draft, undefined);
    return (await this.sender.post(packet, draft ? [{ table: "drafts", key: draft }] : [])).key;
  }

  // Local state.

  /** Load what is stored of a room into its timeline, once. */
  opened(room: string): Promise<void> {
    let loading = this._rooms.get(room);
    const replica = this.account.replicas.get(room);
    if (loading || !replica) return loading ?? Promise.resolve();
    loading = this._storage.messages(room).then((messages) => {
      if (this.account.replicas.get(room) !== replica) return;
      replica.timeline.takeStored(messages as Event[]);
      this.account.publish(replica, []);
    });
    this._rooms.set(room, loading);
    return loading;
  }

  async setDraft(place: string, draft: unknown): Promise<void> {
    this._takeDraft(place, draft);
    await this.store([{ table: "drafts", key: place, ...(draft !== undefined && { value: draft }) }], false);
  }

  private _takeDraft(place: string, draft: unknown): void {
    put(this.drafts, place, draft);
    this.feed.emit({ kind: "draftChanged", place });
  }

  async keepUsers(users: readonly Profile[]): Promise<void> {
    if (!users.length) return;
    for (const entry of users) this.users.set(entry.user, entry);
    this.feed.emit({ kind: "usersChanged", users: users.map(({ user }) => user) });
    await this.store(users.map((value) => ({ table: "users", key: value.user, value })), false);
  }

  // The delegate of the account.

  onChange(change: Change): void {
    this.feed.emit(change);
    if (change.kind === "messageAdded") this.typingState.stopped(change.room, change.message.user);
    if (change.kind === "roomGone") this._rooms.delete(change.room);
  }

  onGap(replica: Replica): void {
    this.repairer.soon(replica);
  }

  onBehind(replica: Replica): void {
    this.repairer.perhaps(replica);
  }

  onMoreRows(): void {
    this.repairer.syncAgain();
  }

  onOwnMessage(event: Event): void {
    this.sender.ownMessage(event);
  }

  // The delegate of the life cycle.

  hello(token: string): Packet {
    const { app, os, locale, previews, inlineEvents } = this.settings;
    const { account } = this;
    account.beginRound();
    return {
      type: "hello", version: VERSION, token, device: this.device,
      app: app || undefined, os: os || undefined, locale: locale || undefined,
      features: [...this.codec.features, ...account.asked],
      mode: this.lifecycle.background ? "background" : undefined,
      focus: account.focused.length ? account.focused : undefined,
      rooms: this._page,
      previews: previews || undefined,
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
  }

  onPhase(phase: Phase, closed: Closed | undefined): void {
    const { code, reason } = (phase === "stopped" && closed) || { code: 0, reason: "" };
    this.feed.emit({ kind: "stateChanged", phase, code, reason });
  }

  // Storing.

  /** Write rows; resolves when they are committed. */
  store(rows: readonly Row[], durable: boolean): Promise<void> {
    const written = this._storage.write(rows, durable);
    this._written = written.catch(() => {});
    return written;
  }

  /** Write what changed, once what happens now is over: one transaction for a frame. */
  onUnstored(): void {
    this._noting ??= Promise.resolve().then(() => this._note());
  }

  protected _note(): void {
    this._noting = undefined;
    this._noteRows(this.account.records());
  }

  protected _noteRows(rows: readonly Row[]): void {
    if (rows.length) this.store(rows, false).catch((error: unknown) => this.log(`not stored: ${error}`));
  }

  /** Wait until everything so far is written. */
  protected async _settled(): Promise<void> {
    this._note();
    await this._written;
  }

  protected async _load(): Promise<void> {
    this.codec ??= (await import("./msgpack.js")).msgpack;
    let tables: Tables;
    // What is written meanwhile is loaded, too.
    for (let written; (tables = await this._storage.load()), written !== this._written; ) written = this._written;
    this.account.restore(tables);
    this.sender.restore(tables);
    this.users.clear();
    this.drafts.clear();
    for (const [user, entry] of tables.users ?? []) this.users.set(user, entry as Profile);
    for (const [place, draft] of tables.drafts ?? []) this.drafts.set(place, draft);
    if (!this._storage.keepsMessages) for (const room of this.account.replicas.keys()) this.account.forget(room);
    const open = [...this._rooms.keys()];
    this._rooms.clear();
    await Promise.all(open.map((room) => this.opened(room)));
    await this._takeDevice(tables.account?.get("device") as string | undefined);
    this._emit({ kind: "changesMissed" });
  }

  /** Keep the device id that is stored, or store one: before the first hello, or the server knows one that nobody has
   * after a crash. */
  protected async _takeDevice(stored: string | undefined): Promise<void> {
    this.device ||= stored || this.env.device();
    if (this.device !== stored) await this.store([{ table: "account", key: "device", value: this.device }], true);
  }

  // Changes.

  protected _emit(change: Change): void {
    this.feed.emit(change);
  }

  /** Hear a change that this client reports. */
  private _onEmitted(change: Change): void {
    if (change.kind === "messageAdded" && this.settings.delivered) this.signals.arrived(change);
    this._hear(change);
  }
}
