/** The engine of a client that shares its storage with others: one of them leads, the others follow (storage.ts).
 *
 * The one that leads works like any engine, and tells the others what it wrote and reported (`News`). One that follows
 * has no connection: its state is what is stored and told, and commands go to the leader.
 */

import { Commands } from "./commands.js";
import type { Account } from "./core/account.js";
import type { Change } from "./core/changes.js";
import { Closed } from "./core/errors.js";
import { messageFrom } from "./core/messages.js";
import type { EntryRecord } from "./core/outbox.js";
import type { AccountRow, Event, Packet, Profile } from "./core/packets.js";
import type { Row } from "./core/records.js";
import type { RoomRecord } from "./core/replica.js";
import type { Phase } from "./core/states.js";
import { Engine, type Parts } from "./engine.js";
import { put } from "./storage.js";
import { errorFromPlain, plainError, type Answer, type Ask, type News, type Tab, type Tabs } from "./tab_link.js";

/** What lives in memory only, for a tab that begins to follow. */
interface LiveState {
  readonly phase: Phase;
  readonly closed: readonly [code: number, reason: string] | undefined;
  readonly presence: readonly (readonly [user: string, presence: { state: string; last_seen: number }])[];
}

/** What any tab has on its screen. */
const all = (onScreen: ReadonlyMap<string, readonly string[]>): string[] => [...new Set([...onScreen.values()].flat())];

/** The commands of the leader: what the server is told to be on the screen is that of all tabs, as far as its limits. */
class TabCommands extends Commands {
  private readonly _focusOf = new Map<string, readonly string[]>();
  private readonly _watchOf = new Map<string, readonly string[]>();

  override focus(rooms: readonly string[], tab = ""): void {
    this._focusOf.set(tab, rooms);
    super.focus(all(this._focusOf).slice(0, this._engine.sender.limits.focus));
  }

  override watch(users: readonly string[], tab = ""): void {
    this._watchOf.set(tab, users);
    super.watch(all(this._watchOf).slice(0, this._engine.sender.limits.watch));
  }

  /** Forget what a tab that is gone had on its screen. */
  left(tab: string): void {
    if (this._focusOf.get(tab)?.length) this.focus([], tab);
    if (this._watchOf.get(tab)?.length) this.watch([], tab);
  }

  /** Send an entry that another tab wrote. */
  wake(key: string, record: EntryRecord): void {
    (this._engine as TabEngine).adoptEntry(key, record);
  }

  state(): LiveState {
    const { account, lifecycle } = this._engine;
    const { phase, closed } = lifecycle;
    return { phase, closed: closed && [closed.code, closed.reason], presence: [...account.presence] };
  }
}

/** An engine that leads or follows, as its `Tabs` say. */
export class TabEngine extends Engine implements Tab {
  protected override readonly _commands: TabCommands = new TabCommands(this);
  private _leading = false;
  /** What other tabs told while this one loads: it may be newer than what is loaded. */
  private _early: News[] | undefined = [];
  // What a follower knows of the leader.
  private _followed: { phase: Phase; closed: Closed | undefined } = { phase: "stopped", closed: undefined };
  private readonly _screen = new Map<"focus" | "watch", readonly unknown[]>();
  // Changes that go to the other tabs with the next rows; undefined while those of another tab are passed on.
  private _untold: Change[] | undefined = [];

  constructor(parts: Parts, private readonly _tabs: Tabs) {
    super(parts);
    this._storage.onLost = (reason) => this._onStorageLost(reason);
    this.feed.subscribe((change) => {
      if (!this._untold) return;
      this._untold.push(change);
      this.onUnstored();
    });
  }

  override start(): Promise<void> {
    return (this._started ??= this._tabs.start(this));
  }

  override async close(): Promise<void> {
    const ended = this.lifecycle.stop();
    this._emit({ kind: "stateChanged", phase: "stopped", code: 0, reason: "stopped" });
    await ended;
    await this._settled();
    await this._tabs.stop();
    await super.close();
  }

  override async suspend(): Promise<void> {
    if (this._leading) await super.suspend();
  }

  override get phase(): Phase {
    return this._leading ? super.phase : this._followed.phase;
  }

  override get closed(): Closed | undefined {
    return this._leading ? super.closed : this._followed.closed;
  }

  /** Report the phase, but not that this engine was told to stop: for the other tabs the next leader goes on. */
  override onPhase(phase: Phase, closed: Closed | undefined): void {
    if (phase !== "stopped" || closed?.code) super.onPhase(phase, closed);
  }

  // A tab among others.

  override async lead(): Promise<void> {
    this._leading = true;
    await this._storage.lead?.();
    const gone = (await this._storage.surplus?.()) ?? [];
    await super.lead();
    for (const room of gone) this.account.forget(room);
    this._showScreen();
  }

  async follow(): Promise<void> {
    if (this._leading) {
      void this.lifecycle.stop();
      this._note();
    }
    this._leading = false;
    await this._written;
    await this._load();
    this._showScreen();
    // Whoever leads may take a while to answer.
    this._ask("state", []).then((state) => this._takeState(state as LiveState), () => {});
  }

  take(news: News, isFromLeader = true): void | Promise<void> {
    if (this._early) return void this._early.push(news);
    const { rows, changes, leads } = news;
    // It lost the lead, and does not know: what it says of the account may be old.
    const isLate = leads && !isFromLeader;
    if (isLate && !this._leading) return this.follow();
    for (const row of rows) this._takeRow(row);
    if (!isLate) for (const change of changes) this._emit(change);
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

  /** Repeat what is on this screen: another tab leads now. */
  private _showScreen(): void {
    for (const [name, args] of this._screen) this.tell(name, ...(args as [readonly string[]]));
  }

  left(tab: string): void {
    if (!this._leading) return;
    this._commands.left(tab);
    void this._takeStored();
  }

  /** Take mutations and drafts that a tab stored and could not tell of any more, and tell the others of the drafts. */
  private async _takeStored(): Promise<void> {
    await this._written;
    const known = new Map(this.drafts);
    const { outbox, drafts } = await this._storage.load();
    for (const [key, record] of outbox ?? []) this.adoptEntry(key, record as EntryRecord);
    const stored = new Map(drafts as Iterable<[string, unknown]> | undefined);
    const rows: Row[] = [];
    const changes: Change[] = [];
    for (const place of new Set([...known.keys(), ...stored.keys()])) {
      const draft = stored.get(place);
      // What was written meanwhile is newer.
      if (this.drafts.get(place) !== known.get(place)) continue;
      if (JSON.stringify(draft) === JSON.stringify(known.get(place))) continue;
      rows.push({ table: "drafts", key: place, ...(draft !== undefined && { value: draft }) });
      changes.push({ kind: "draftChanged", place });
    }
    if (!rows.length) return;
    void this.take({ rows, changes });
    this._tabs.publish({ rows, changes });
  }

  override async run<Name extends keyof Commands>(
    name: Name, ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    const isScreen = name === "focus" || name === "watch";
    if (isScreen) this._screen.set(name, args);
    const all = isScreen ? [...args, this._tabs.id] : args;
    try {
      if (this._leading) return await super.run(name, ...(all as typeof args));
    } catch (error) {
      // Another tab took the lead meanwhile, and may carry it out.
      if (!(error instanceof Closed) || this._leading) throw error;
    }
    return (await this._ask(name, all)) as never;
  }

  override async post(packet: Packet, draft?: string): Promise<string> {
    const key = await super.post(packet, draft);
    const entry = this.sender.outbox.get(key);
    if (!this._leading && entry) this._ask("wake", [key, entry.record()]).catch(() => {});
    return key;
  }

  override store(rows: readonly Row[], durable: boolean): Promise<void> {
    const changes = this._untold?.splice(0) ?? [];
    const told = super.store(rows, durable).finally(() => this._tabs.publish({ rows, changes, leads: this._leading }));
    this._written = told.catch(() => {});
    return told;
  }

  /** Take a mutation that another tab put into the outbox, or what became of it. */
  adoptEntry(key: string, record: EntryRecord | undefined): void {
    const { outbox } = this.sender;
    const known = outbox.get(key);
    // Only the leader knows what is on its way.
    if (known && record && (this._leading || known.record().failed === record.failed)) return;
    if (known) outbox.done(key);
    if (record) this.sender.add(record);
    this.sender.flush();
  }

  protected override async _load(): Promise<void> {
    this._early ??= [];
    await super._load();
    const early = this._early;
    this._early = undefined;
    for (const news of early) void this.take(news);
  }

  protected override async _takeDevice(stored: string | undefined): Promise<void> {
    // Of two tabs that start at once only one may make a device id.
    if (this._leading) await super._takeDevice(stored);
    else this.device ||= stored ?? "";
  }

  protected override _note(): void {
    // A follower has no rows of the account to write.
    if (this._leading) super._note();
    else this._noteRows([]);
  }

  protected override _noteRows(rows: readonly Row[]): void {
    if (this._untold?.length && !rows.length) void this.store([], false);
    else super._noteRows(this._storage.keepsMessages ? rows : rows.map(uncached));
  }

  /** What was stored cannot be read any more, and so is not cached. */
  private _onStorageLost(reason: string): void {
    for (const replica of this.account.replicas.values()) {
      replica.timeline.aside.clear();
      this.account.publish(replica, []);
    }
    this.feed.emit({ kind: "storageLost", reason });
  }

  protected override get _isStopped(): boolean {
    return this.phase === "stopped" && (this._leading || this.closed !== undefined);
  }

  /** Report a change that another tab reported. */
  protected override _emit(change: Change): void {
    const { _untold: untold } = this;
    this._untold = undefined;
    this._keep(change);
    this._untold = untold;
  }

  private _keep(change: Change): void {
    if (change.kind === "typingStarted") return this.typingState.typing(change);
    if (change.kind === "typingStopped") return this.typingState.stopped(change.room, change.user);
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

  private _takeRow({ table, key, value }: Row): void {
    if (table === "outbox") this.adoptEntry(key as string, value as EntryRecord | undefined);
    else if (table === "drafts") put(this.drafts, key as string, value);
    else if (table === "users") put(this.users, key as string, value as Profile | undefined);
    else if (table === "account" && key === "device") this.device = value as string;
    else if (!this._leading) {
      const row = { table, key, value };
      adopt(this.account, this._storage.keepsMessages ? row : uncached(row), this._rooms);
    }
  }

  private _takeState({ phase, closed, presence }: LiveState): void {
    for (const [user, { state, last_seen }] of presence) {
      this._emit({ kind: "presenceChanged", user, state, last_seen });
    }
    this._emit({ kind: "stateChanged", phase, code: closed?.[0] ?? 0, reason: closed?.[1] ?? "" });
  }

  private async _ask(name: string, args: readonly unknown[]): Promise<unknown> {
    const answer = await this._tabs.ask({ name, args });
    if ("error" in answer) throw errorFromPlain(answer.error);
    return answer.value;
  }
}

/** Return a row as it is where messages are not kept. */
function uncached(row: Row): Row {
  return row.table === "rooms" && row.value ? { ...row, value: { ...row.value, cached: [] } } : row;
}

/** Take a row of the account that the leader wrote; of rooms that are `open` here, the messages are in memory. */
function adopt(account: Account, { table, key, value }: Row, open: Map<string, unknown>): void {
  if (typeof key !== "string") {
    const [room, number] = key;
    const timeline = account.replicas.get(room)?.timeline;
    if (!timeline || !open.has(room)) return;
    const event = value as Event | undefined;
    if (number === undefined) return timeline.forget();
    timeline.messages.delete(number);
    timeline.notes.delete(number);
    if (event?.kind === "message") timeline.messages.set(number, messageFrom(room, event));
    else if (event) timeline.notes.set(number, event);
  } else if (table === "rooms" && value === undefined) {
    account.replicas.delete(key);
    open.delete(key);
  } else if (table === "rooms") {
    const replica = account.replica(key);
    const { timeline, receipts } = replica;
    const isLoaded = open.has(key) && !timeline.aside.parts.length;
    // Not a later state of the same room, when it began anew.
    timeline.started = false;
    timeline.head = timeline.announced = timeline.ordinal = 0;
    receipts.clear();
    replica.summary = (value as RoomRecord).summary;
    replica.restore(value as RoomRecord);
    if (isLoaded) timeline.takeStored([]);
  } else if (table === "account_rows") account.rows.adopt(key as `${string} ${string}`, value as AccountRow | undefined);
  else if (key in account) Object.assign(account, { [key]: value ?? "" });
}
