/** The public face of the library: one `Client` per account and device. */

import type { Change } from "./core/changes.js";
import type { Codec } from "./core/codec.js";
import type { Closed } from "./core/errors.js";
import type { Limits } from "./core/limits.js";
import type { Entry } from "./core/outbox.js";
import type { Packet, Replies, Request, Profile } from "./core/packets.js";
import type { Phase } from "./core/states.js";
import { TIMING, type Timing } from "./core/timing.js";
import type { Account, Presence, Totals } from "./core/account.js";
import { Engine, type Parts } from "./engine.js";
import { SystemEnv, type Env } from "./env.js";
import { Room } from "./rooms.js";
import { SETTINGS, type Settings } from "./settings.js";
import { MemoryStorage, type Storage } from "./storage.js";
import type { GetToken } from "./tokens.js";

/** What a client is made of; only `url` and `token` are needed. */
export interface ClientOptions {
  /** `wss://HOST/v1/ws`. */
  url: string;
  /** Returns a token; called again whenever the server refuses one. */
  token: GetToken;
  /** The id of this installation; without one it is made once and kept in the storage. */
  device?: string;
  /** Keeps the outbox, the positions and the cache; without one nothing survives. One storage belongs to one account. */
  storage?: Storage;
  /** Makes the engine; another one than the usual lets several clients share one storage (`browser(user)`). */
  engine?: (parts: Parts) => Engine;
  /** Called at the start: makes the client follow the page or the app; returns what ends that. */
  follow?: (client: Client) => () => void;
  /** The encoding (protocol.md, "Transport and encoding"): `json` of `@chatd/client/json`, or `msgpack` of
   * `@chatd/client/msgpack`, which is loaded at the start when none is named. */
  codec?: Codec;
  /** The class of the account; `Client` of `@chatd/client/people` brings its own. */
  account?: typeof Account;
  env?: Env;
  settings?: Partial<Omit<Settings, "timing">> & { timing?: Partial<Timing> };
}

/** The connected copy of one chat account on one device.
 *
 * ```ts
 * const client = new Client({ url, token: () => fetchToken() });
 * client.on((change) => console.log(change));
 * await client.start();
 * const room = await client.direct("bob");
 * await room.send("Hi");
 * ```
 *
 * `start` returns as soon as rooms and outbox of the last run are there; everything else follows when the network is
 * there. `connect` also waits until the phase is "ready".
 */
export class Client {
  protected readonly _engine: Engine;
  private readonly _handles = new Map<string, Room>();
  private _focused: readonly string[] = [];
  private _unfollow: (() => void) | undefined;

  constructor(private readonly _options: ClientOptions) {
    if (!/^wss?:\/\/[^/:]/.test(_options.url)) throw new TypeError(`no WebSocket address: ${_options.url}`);
    const make = _options.engine ?? ((parts: Parts) => new Engine(parts));
    this._engine = make({
      url: _options.url,
      token: _options.token,
      device: _options.device ?? "",
      storage: _options.storage ?? new MemoryStorage(),
      codec: _options.codec,
      account: _options.account,
      env: _options.env ?? new SystemEnv(),
      settings: { ...SETTINGS, ..._options.settings, timing: { ...TIMING, ..._options.settings?.timing } },
    });
  }

  // Life cycle.

  /** Load what is stored, and connect in the background. */
  async start(): Promise<void> {
    this._unfollow ??= this._options.follow?.(this);
    await this._engine.start();
  }

  /** Start and wait until the phase is "ready". Throws `Closed` if the server does not accept this client,
   * `Unreachable` after `timeoutS` seconds; the `cause` of both is the failure of the last attempt. */
  async connect(timeoutS = Infinity): Promise<void> {
    await this.start();
    await this._engine.connected(timeoutS);
  }

  /** Close the connection and the storage. A closed client cannot be started again. */
  async close(): Promise<void> {
    this._unfollow?.();
    this._unfollow = undefined;
    await this._engine.close();
  }

  /** Tell the server that the app may not run any more, close, and do nothing until `resume` (protocol.md, "States"). */
  suspend(): Promise<void> {
    return this._engine.suspend();
  }

  /** Connect now that the app is in front, or make sure that the connection lives and nothing was missed. */
  resume(): Promise<void> {
    return this._engine.resume();
  }

  /** Say that the app is in front, and connect soon if it waits for that (protocol.md, "mode" and "States"). */
  foreground(): void {
    this._engine.tell("foreground");
  }

  /** Say that the app is not in front but may run: fewer heartbeats, no ephemerals (protocol.md, "mode"). */
  background(): void {
    this._engine.tell("background");
  }

  /** Probe the connection, or try again now: the system reports a usable network (protocol.md, "States"). */
  networkChanged(): void {
    this._engine.tell("networkChanged");
  }

  /** The phase of the connection. */
  get phase(): Phase {
    return this._engine.phase;
  }

  /** The reason why the phase is "stopped"; undefined in any other phase. */
  get closed(): Closed | undefined {
    return this._engine.closed;
  }

  /** Call `listener` at once with every change; the returned function ends that. What it throws is logged. */
  on(listener: (change: Change) => void): () => void {
    return this._engine.feed.subscribe(listener);
  }

  // The local state.

  /** The user of this account, empty before the first hello. */
  get user(): string {
    return this._engine.account.user;
  }

  /** The id of this device. */
  get device(): string {
    return this._engine.device;
  }

  /** The rooms of the account, by id, in no particular order; a room keeps its object. */
  get rooms(): ReadonlyMap<string, Room> {
    return new Map([...this._engine.account.replicas.keys()].map((room) => [room, this.room(room)]));
  }

  /** The room with this id, whether or not it is known yet. */
  room(room: string): Room {
    let handle = this._handles.get(room);
    if (!handle) this._handles.set(room, (handle = new Room(this._engine, room)));
    return handle;
  }

  /** The numbers of rooms, of unread messages and of unread mentions, as the server counted them last. */
  get totals(): Readonly<Totals> {
    return this._engine.account.totals;
  }

  /** The presence of the watched users. */
  get presence(): ReadonlyMap<string, Presence> {
    return this._engine.account.presence;
  }

  /** The display data of all users that were fetched on this device (`fetchUsers`). */
  get users(): ReadonlyMap<string, Profile> {
    return this._engine.users;
  }

  /** The mutations that the server has not acknowledged, in order, failed ones included. */
  get outbox(): readonly Entry[] {
    return [...this._engine.sender.outbox];
  }

  /** The limits of the server, as this tab was told last (protocol.md, "Size limits"). */
  get limits(): Limits {
    return this._engine.sender.limits;
  }

  /** What was typed and not sent, by place: the id of a room, or whatever the app likes. */
  get drafts(): ReadonlyMap<string, unknown> {
    return this._engine.drafts;
  }

  /** Keep a draft, any plain data, at a place; undefined removes it. It is stored when this resolves. */
  setDraft(place: string, draft: unknown): Promise<void> {
    return this._engine.setDraft(place, draft);
  }

  /** Return the account rows of a section by name, as the server sent them last (protocol.md, "Account rows"). */
  accountRows(section = "account"): Readonly<Record<string, unknown>> {
    return this._engine.account.rows.section(section);
  }

  // Rooms and people.

  /** Return the 1:1 room with a user; it is created if there is none. */
  async direct(user: string): Promise<Room> {
    return this.room(await this._engine.run("direct", user));
  }

  /** Create a group owned by this user (protocol.md, "room.create"). */
  async createGroup(
    group: { title: string; users?: string[]; avatar?: string; public?: boolean; data?: unknown },
  ): Promise<Room> {
    const key = this._engine.env.key();
    return this.room(await this._engine.run("createRoom", { type: "room.create", key, kind: "group", ...group }));
  }

  /** Join a public room and return it. */
  async join(room: string): Promise<Room> {
    const joined = this.room(room);
    await joined.join();
    await joined.refresh();
    return joined;
  }

  /** Fetch the display data of at most 100 users into `users`, and return it. */
  async fetchUsers(users: Iterable<string>): Promise<Profile[]> {
    const asked = [...new Set(users)];
    const found: Profile[] = [];
    // A reply may hold only the first of them.
    while (found.length < asked.length) {
      const { users: page } = await this.call({ type: "users.get", users: asked.slice(found.length) });
      if (!page.length) break;
      found.push(...page);
    }
    await this._engine.keepUsers(found);
    return found;
  }

  /** Name the rooms on the screen, at most 8; they are kept up to date at once (protocol.md, "focus"). */
  focus(rooms: Iterable<Room | string>): void {
    const ids = [...rooms].map((room) => (typeof room === "string" ? room : room.id));
    this._focused = ids;
    this._engine.tell("focus", ids);
  }

  /** Say whether the screen can be seen; while it cannot, no room is in focus. */
  show(visible: boolean): void {
    this._engine.tell("focus", visible ? this._focused : []);
  }

  /** Follow the presence of these users, at most 200 (protocol.md, "watch"). */
  watch(users: Iterable<string>): void {
    this._engine.tell("watch", [...users]);
  }

  // Outbox and the rest.

  /** Try a failed entry again with its old key; false if there is none. */
  resend(key: string): Promise<boolean> {
    return this._engine.run("resend", key);
  }

  /** Remove an entry that is not in flight; false if there is none. */
  discard(key: string): Promise<boolean> {
    return this._engine.run("discard", key);
  }

  /** Fetch what changed since the cursor, or with `anew` everything, on the live connection (protocol.md, "sync"). */
  sync(anew = false): Promise<void> {
    return this._engine.run("sync", anew);
  }

  /** Send any request of the protocol, given without `id`, and return its `ok`. Throws `ChatError`, `Closed` or
   * `Unreachable`. */
  call<Type extends keyof Replies>(
    packet: Extract<Request, { type: Type }>, timeoutS?: number,
  ): Promise<Replies[Type]>;
  call<Reply = Packet>(packet: Packet, timeoutS?: number): Promise<Reply>;
  call(packet: Packet, timeoutS = this._engine.timing.callS): Promise<Packet> {
    return this._engine.run("call", packet, timeoutS);
  }
}
