/** The public face of the library: one `Client` per account and device. */

import type { Change } from "./core/changes.js";
import type { Closed } from "./core/errors.js";
import type { Limits } from "./core/limits.js";
import type { Entry } from "./core/outbox.js";
import type { DeviceEntry, DevicesListReply, Packet, UserEntry, UsersGetReply } from "./core/packets.js";
import type { Phase } from "./core/states.js";
import { TIMING, type Timing } from "./core/timing.js";
import type { Presence, Totals } from "./core/account.js";
import { Engine } from "./engine.js";
import { SystemEnv, type Env } from "./env.js";
import { Room } from "./rooms.js";
import { SETTINGS, type Settings } from "./settings.js";
import { MemoryStorage, type Storage } from "./storage.js";
import type { Tabs } from "./tab_link.js";
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
  /** What several clients with one storage agree by (`browser(user)`). */
  tabs?: Tabs;
  /** Called at the start: makes the client follow the page or the app; returns what ends that. */
  follow?: (client: Client) => () => void;
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
  private readonly engine: Engine;
  private readonly handles = new Map<string, Room>();
  private unfollow: (() => void) | undefined;

  constructor(private readonly options: ClientOptions) {
    if (!/^wss?:\/\/[^/:]/.test(options.url)) throw new TypeError(`not a ws: or wss: address: ${options.url}`);
    this.engine = new Engine({
      url: options.url,
      token: options.token,
      device: options.device ?? "",
      storage: options.storage ?? new MemoryStorage(),
      tabs: options.tabs,
      env: options.env ?? new SystemEnv(),
      settings: { ...SETTINGS, ...options.settings, timing: { ...TIMING, ...options.settings?.timing } },
    });
  }

  // Life cycle.

  /** Load what is stored, and connect in the background. */
  async start(): Promise<void> {
    this.unfollow ??= this.options.follow?.(this);
    await this.engine.start();
  }

  /** Start and wait until the phase is "ready". Throws `Closed` if the server does not accept this client,
   * `Unreachable` after `timeoutS` seconds; the `cause` of both is the failure of the last attempt. */
  async connect(timeoutS = Infinity): Promise<void> {
    await this.start();
    await this.engine.connected(timeoutS);
  }

  /** Close the connection and the storage. A closed client cannot be started again. */
  async close(): Promise<void> {
    this.unfollow?.();
    this.unfollow = undefined;
    await this.engine.close();
  }

  /** Tell the server that the app may not run any more, close, and do nothing until `resume` (protocol.md, "States"). */
  suspend(): Promise<void> {
    return this.engine.suspend();
  }

  /** Connect now that the app is in front, or make sure that the connection lives and nothing was missed. */
  resume(): Promise<void> {
    return this.engine.resume();
  }

  /** Say that the app is in front, and connect soon if it waits for that (protocol.md, "mode" and "States"). */
  foreground(): void {
    this.engine.tell("foreground");
  }

  /** Say that the app is not in front but may run: fewer heartbeats, no ephemerals (protocol.md, "mode"). */
  background(): void {
    this.engine.tell("background");
  }

  /** Probe the connection, or try again now: the system reports a usable network (protocol.md, "States"). */
  networkChanged(): void {
    this.engine.tell("networkChanged");
  }

  /** The phase of the connection. */
  get phase(): Phase {
    return this.engine.phase;
  }

  /** The reason why the phase is "stopped"; undefined in any other phase. */
  get closed(): Closed | undefined {
    return this.engine.closed;
  }

  /** Call `listener` at once with every change; the returned function ends that. What it throws is logged. */
  on(listener: (change: Change) => void): () => void {
    return this.engine.feed.subscribe(listener);
  }

  // The local state.

  /** The user of this account, empty before the first hello. */
  get user(): string {
    return this.engine.account.user;
  }

  /** The id of this device. */
  get device(): string {
    return this.engine.device;
  }

  /** The rooms of the account, by id, in no particular order; a room keeps its object. */
  get rooms(): ReadonlyMap<string, Room> {
    return new Map([...this.engine.account.replicas.keys()].map((room) => [room, this.room(room)]));
  }

  /** The room with this id, whether or not it is known yet. */
  room(room: string): Room {
    let handle = this.handles.get(room);
    if (!handle) this.handles.set(room, (handle = new Room(this.engine, room)));
    return handle;
  }

  /** The numbers of rooms, of unread messages and of unread mentions, as the server counted them last. */
  get totals(): Readonly<Totals> {
    return this.engine.account.totals;
  }

  /** The presence of the watched users. */
  get presence(): ReadonlyMap<string, Presence> {
    return this.engine.account.presence;
  }

  /** The display data of all users that were fetched on this device (`fetchUsers`). */
  get users(): ReadonlyMap<string, UserEntry> {
    return this.engine.users;
  }

  /** The mutations that the server has not acknowledged, in order, failed ones included. */
  get outbox(): readonly Entry[] {
    return [...this.engine.sender.outbox];
  }

  /** The limits of the server, as this tab was told last (protocol.md, "Size limits"). */
  get limits(): Limits {
    return this.engine.sender.limits;
  }

  /** What was typed and not sent, by place: the id of a room, or whatever the app likes. */
  get drafts(): ReadonlyMap<string, unknown> {
    return this.engine.drafts;
  }

  /** Keep a draft, any plain data, at a place; undefined removes it. It is stored when this resolves. */
  setDraft(place: string, draft: unknown): Promise<void> {
    return this.engine.setDraft(place, draft);
  }

  /** Return the account rows of a section by name, as the server sent them last (protocol.md, "Account rows"). */
  accountRows(section = "account"): Readonly<Record<string, unknown>> {
    return this.engine.account.rows.section(section);
  }

  /** Whether `receipts` and `presence` are shown to others, whichever device chose so. */
  get preferences(): Readonly<{ receipts: boolean; presence: boolean }> {
    return { receipts: true, presence: true, ...(this.accountRows().preferences as object | undefined) };
  }

  // Rooms and people.

  /** Return the 1:1 room with a user; it is created if there is none. */
  async direct(user: string): Promise<Room> {
    return this.room(await this.engine.run("direct", user));
  }

  /** Create a group owned by this user (protocol.md, "room.create"). */
  async createGroup(
    group: { title: string; users?: string[]; avatar?: string; public?: boolean; data?: unknown },
  ): Promise<Room> {
    const key = this.engine.env.key();
    return this.room(await this.engine.run("createRoom", { type: "room.create", key, kind: "group", ...group }));
  }

  /** Join a public room and return it. */
  async join(room: string): Promise<Room> {
    const joined = this.room(room);
    await joined.join();
    await joined.refresh();
    return joined;
  }

  /** Fetch the display data of at most 100 users into `users`, and return it. */
  async fetchUsers(users: Iterable<string>): Promise<UserEntry[]> {
    const asked = [...new Set(users)];
    const found: UserEntry[] = [];
    // A reply may hold only the first of them.
    while (found.length < asked.length) {
      const { users: page }: UsersGetReply = await this.call({ type: "users.get", users: asked.slice(found.length) });
      if (!page.length) break;
      found.push(...page);
    }
    await this.engine.keepUsers(found);
    return found;
  }

  /** Return the devices of this user. */
  async devices(): Promise<DeviceEntry[]> {
    const reply: DevicesListReply = await this.call({ type: "devices.list" });
    return reply.devices;
  }

  /** Log out a device of this user. */
  async removeDevice(device: string): Promise<void> {
    await this.call({ type: "devices.remove", device });
  }

  /** Register the push token of this device; `platform` is `apns`, `fcm` or `web`. */
  async registerPush(platform: string, token: string): Promise<void> {
    await this.call({ type: "devices.push", platform, token });
  }

  /** Set whether others see how far this user has read; who hides it sees nobody's (protocol.md, "preferences"). */
  async showReceipts(receipts: boolean): Promise<void> {
    await this.call({ type: "preferences", receipts });
  }

  /** Set whether others see when this user is online; who hides it sees nobody's (protocol.md, "preferences"). */
  async showPresence(presence: boolean): Promise<void> {
    await this.call({ type: "preferences", presence });
  }

  /** Name the rooms on the screen, at most 8; they are kept up to date at once (protocol.md, "focus"). */
  focus(rooms: Iterable<Room | string>): void {
    const ids = [...rooms].map((room) => (typeof room === "string" ? room : room.id));
    this.engine.tell("focus", ids, this.engine.tab);
  }

  /** Follow the presence of these users, at most 200 (protocol.md, "watch"). */
  watch(users: Iterable<string>): void {
    this.engine.tell("watch", [...users], this.engine.tab);
  }

  // Outbox and the rest.

  /** Try a failed entry again with its old key; false if there is none. */
  resend(key: string): Promise<boolean> {
    return this.engine.run("resend", key);
  }

  /** Remove an entry that is not in flight; false if there is none. */
  discard(key: string): Promise<boolean> {
    return this.engine.run("discard", key);
  }

  /** Fetch what changed since the cursor, on the live connection (protocol.md, "sync"). */
  sync(): Promise<void> {
    return this.engine.run("sync");
  }

  /** Send any request of the protocol, given without `id`, and return its `ok`. Throws `ChatError`, `Closed` or
   * `Unreachable`. */
  call<Reply = Packet>(packet: Packet, timeoutS = this.engine.timing.callS): Promise<Reply> {
    return this.engine.run("call", packet, timeoutS) as Promise<Reply>;
  }
}
