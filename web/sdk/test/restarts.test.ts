/** Tabs with one storage that are killed, frozen and started at any moment end with what the server has, and what is stored is
 * right at every moment: against the logs of the server as the truth. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "../src/client.js";
import { messageFrom, type Message } from "../src/core/messages.js";
import type { Event } from "../src/core/packets.js";
import type { RoomRecord } from "../src/core/replica.js";
import { TabEngine } from "../src/tab_engine.js";
import type { Answer, Ask, News, Tab, Tabs } from "../src/tab_link.js";
import { chance, StillEnv } from "./kit.js";
import { LogServer, stateOf, type ServedSocket } from "./log_server.js";
import { DiskOfTab, SharedDisk } from "./shared_disk.js";

const ROOMS = ["a", "b", "c"].map((letter) => letter.repeat(12));
const STEPS = 150;
const SEEDS = process.env["SOAK"] ? 100 : 20;
const FIRST = Number(process.env["SEED"] ?? (process.env["SOAK"] ? Date.now() % 1e9 : 1));

async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** One tab: its client, its part of the storage and of the channel, its clock. */
class Page implements Tabs {
  readonly disk: DiskOfTab;
  readonly env: StillEnv;
  readonly client: Client;
  socket: ServedSocket | undefined;
  isFrozen = false;
  tab!: Tab;
  private readonly _held: (() => void)[] = [];
  private _queue: Promise<unknown> = Promise.resolve();
  private readonly _asks = new Set<{ ask: Ask; resolve: (answer: Answer) => void }>();

  constructor(private readonly _world: World, readonly id: string, kept: number) {
    this.disk = new DiskOfTab(_world.disk);
    const { server } = _world;
    this.env = new (class extends StillEnv {
      override connect = (_: string, protocols: string[]) => (page.socket = server.connect(protocols));
      override timeMs = () => server.time;
    })();
    const page = this;
    this.client = new Client({
      url: "ws://127.0.0.1/v1/ws", token: () => "a token", env: this.env, storage: this.disk,
      settings: { log: () => {}, messagesKept: kept, inlineEvents: 3, firstPage: 2 },
      engine: (parts) => new TabEngine(parts, this),
    });
  }

  get leads(): boolean {
    return this._world.leader === this;
  }

  /** Do what comes from outside, once the tab is not frozen. */
  meet(act: () => void): void {
    if (this.isFrozen) this._held.push(act);
    else act();
  }

  thaw(): void {
    this.isFrozen = this.disk.isFrozen = false;
    for (const act of [...this._held.splice(0), ...this.disk.held.splice(0)]) act();
  }

  deliver(count: number): void {
    const { socket } = this;
    if (!this.isFrozen && socket?.waiting.length && !socket.isClosed) socket.push(...socket.waiting.splice(0, count));
  }

  // Tabs.

  async start(tab: Tab): Promise<void> {
    this.tab = tab;
    await this._world.joined(this);
  }

  after(work: () => void | Promise<void>): Promise<void> {
    const done = this._queue.then(work);
    this._queue = done.catch(() => {});
    return done;
  }

  publish(news: News): void {
    const copy = structuredClone(news);
    for (const page of this._world.pages) {
      if (page !== this) page.meet(() => void page.after(() => page.tab.take(structuredClone(copy), this.leads)));
    }
  }

  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      const asked = { ask, resolve };
      this._asks.add(asked);
      this._pass(asked);
    });
  }

  /** Ask whoever leads now what has no answer. */
  repeat(): void {
    for (const asked of this._asks) this._pass(asked);
  }

  async stop(): Promise<void> {
    this._world.left(this);
  }

  private _pass(asked: { ask: Ask; resolve: (answer: Answer) => void }): void {
    const { leader } = this._world;
    leader?.meet(async () => {
      await leader._queue;
      const answer = structuredClone(await leader.tab.perform(structuredClone(asked.ask)));
      if (leader === this._world.leader && this._asks.delete(asked)) this.meet(() => void this.after(() => asked.resolve(answer)));
    });
  }
}

class World {
  readonly disk = new SharedDisk();
  readonly server = new LogServer(ROOMS);
  pages: Page[] = [];
  leader: Page | undefined;
  /** Keys that were promised. */
  readonly posted = new Set<string>();
  private _opened = 0;

  constructor(readonly random: () => number) {}

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.random() * items.length)]!;
  }

  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  open(): Page {
    const page = new Page(this, `t${this._opened++}`, this.pick([4, 2000]));
    void page.client.start().catch(() => {});
    return page;
  }

  async joined(page: Page): Promise<void> {
    this.pages.push(page);
    if (this.leader) await page.after(() => page.tab.follow());
    else await this.lead(page);
  }

  async lead(page: Page): Promise<void> {
    this.leader = page;
    await page.after(() => page.tab.lead());
    for (const each of this.pages) {
      // Who hears of a new leader loads everything again.
      if (each !== page) each.meet(() => void each.after(() => (this.leader === page ? each.tab.follow() : undefined)));
      each.meet(() => each.repeat());
    }
  }

  left(page: Page): void {
    this.pages = this.pages.filter((each) => each !== page);
    if (this.leader !== page) return;
    this.leader = undefined;
    const next = this.pages.find((each) => !each.isFrozen);
    if (next) void this.lead(next).catch(() => {});
  }

  kill(page: Page): void {
    this.disk.kill(page.disk);
    page.isFrozen = true;
    if (page.socket) page.socket.isClosed = true;
    this.left(page);
  }

  /** Another tab takes the lead of one that does not answer, which finds out when it goes on. */
  steal(page: Page): void {
    const { leader: old } = this;
    void this.lead(page).catch(() => {});
    old?.meet(() => void old.after(() => (this.leader === old ? undefined : old.tab.follow())));
  }

  async settle(): Promise<void> {
    for (const page of [...this.pages]) if (page.isFrozen) page.thaw();
    if (!this.leader && this.pages.length) void this.lead(this.pages[0]!).catch(() => {});
    for (let quiet = 0, rounds = 0; quiet < 6; rounds++) {
      assert(rounds < 300, "it never comes to rest");
      await turns();
      const isBusy = this.disk.waiting.length || this.pages.some(({ socket }) => socket && !socket.isClosed && socket.waiting.length);
      quiet = isBusy ? 0 : quiet + 1;
      while (this.disk.waiting.length) await this.disk.step();
      for (const page of this.pages) page.deliver(9);
      for (const page of this.pages) await page.env.advance(1);
    }
  }
}

/** What may happen, with its weight. */
const ACTIONS: readonly (readonly [weight: number, act: (world: World) => unknown])[] = [
  [30, (world) => {
    for (let left = 1 + world.below(4); left; left--) append(world, world.pick(ROOMS));
  }],
  [1, (world) => {
    const room = world.pick(ROOMS);
    for (let left = 60; left; left--) append(world, room);
  }],
  [25, (world) => world.pages.forEach((page) => page.deliver(1 + world.below(4)))],
  [20, async (world) => {
    for (let left = 1 + world.below(6); left && world.disk.waiting.length; left--) await world.disk.step();
  }],
  [10, (world) => world.server.ping()],
  [12, (world) => {
    const page = world.pick(world.pages);
    const room = page?.client.room(world.pick(ROOMS));
    const isRead = world.random() < 0.6;
    const limit = 3 + world.below(20);
    void room?.open().then(async () => void (isRead && (await room.timeline(limit)))).catch(() => {});
  }],
  [5, (world) => {
    const page = world.pick(world.pages);
    const room = world.pick(ROOMS);
    void page?.client.room(room).post(`from ${page.id}`).then((key) => world.posted.add(key)).catch(() => {});
  }],
  [4, (world) => world.pick(world.pages)?.client.room(world.pick(ROOMS)).read()],
  [4, (world) => world.pick(world.pages)?.client.focus([world.pick(ROOMS)])],
  [4, (world) => world.pages.length < 3 && world.open()],
  [4, (world) => world.pages.length && world.kill(world.pick(world.pages))],
  [1, (world) => {
    for (const page of world.pages) world.kill(page);
  }],
  [2, (world) => world.pages.length && void world.pick(world.pages).client.close().catch(() => {})],
  [2, (world) => {
    const { leader } = world;
    const next = world.pages.find((page) => page !== leader && !page.isFrozen);
    if (!leader || !next) return;
    leader.isFrozen = leader.disk.isFrozen = world.random() < 0.8;
    world.steal(next);
  }],
  [4, (world) => world.pages.forEach((page) => page.thaw())],
  [4, (world) => {
    const { socket } = world.leader ?? {};
    if (socket && !socket.isClosed) socket.end(1006);
  }],
  [2, (world) => {
    const room = world.pick(ROOMS);
    const { isMember, log } = world.server.rooms.get(room)!;
    if (isMember) world.server.remove(room);
    else world.server.admit(room, world.pick([1, log.length + 1]));
  }],
  [2, (world) => {
    const room = world.pick(ROOMS);
    const { first, log, isMember } = world.server.rooms.get(room)!;
    if (isMember) world.server.moveFirst(room, Math.min(log.length + 1, first + world.below(8)));
  }],
  [1, (world) => {
    const room = world.server.rooms.get(world.pick(ROOMS))!;
    room.floor = Math.max(room.floor, room.log.length - 3);
  }],
  [0.5, (world) => {
    world.server.reset();
    world.posted.clear();
  }],
  [10, async (world) => {
    const seconds = world.pick([0.6, 3, 20]);
    for (const page of world.pages) if (!page.isFrozen) await page.env.advance(seconds);
  }],
];

function append(world: World, name: string): void {
  const { server } = world;
  const messages = [...server.state(name).values()].filter(({ recalled }) => !recalled).map(({ seq }) => seq);
  const target = messages.length ? world.pick(messages) : 0;
  const kind = target ? world.pick(["message", "message", "edit", "recall", "reaction", "joined"]) : "message";
  const user = "u7";
  const more: Record<string, object> = {
    message: { key: `key-${name}-${server.rooms.get(name)!.log.length}`, body: { text: `m${world.below(1000)}` } },
    edit: { target, body: { text: `e${world.below(1000)}` } },
    recall: { target },
    reaction: { target, emoji: world.pick(["👍", "🎉"]), set: world.random() < 0.6 },
    joined: { users: ["u9"] },
  };
  server.append(name, { kind, user, ...more[kind] } as Event, world.random() < 0.1);
}

function plain(messages: Iterable<Message>): unknown[] {
  const found = [...messages].sort((one, other) => one.seq - other.seq);
  return found.map(({ changed: _, ...rest }) => rest);
}

/** Fail unless the stretches that are stored as right up to a number hold the messages as they were there, and no cursor is ahead
 * of what is stored. */
async function assertStored({ disk, server }: World): Promise<void> {
  const { rooms = new Map(), account } = await disk.content.load();
  if (account?.get("epoch") !== String(server.epoch)) return;
  const told = Number(String(account.get("cursor") ?? "").split(".")[1] ?? 0);
  for (const [name, { log, isMember }] of server.rooms) {
    const record = rooms.get(name) as RoomRecord | undefined;
    const changed = server.feed.slice(0, told).filter((each) => each === name).length;
    if (changed && isMember && !server.feed.slice(told).includes(name)) {
      assert(record, `${name} is not stored, and the cursor covers it`);
      assert.equal(record.summary.seq, log.length, `the cursor covers more of ${name} than is stored`);
    }
    if (!record) continue;
    const stored = (await disk.content.messages(name)) as Event[];
    for (const [low, high, valid] of record.cached) {
      const inside = (seq: number) => low <= seq && seq <= high;
      const truth = stateOf(name, log, valid);
      const held = stored.filter(({ seq, kind }) => kind === "message" && inside(seq)).map((event) => messageFrom(name, event));
      assert.deepEqual(held.map(({ seq }) => seq).sort((one, other) => one - other), [...truth.keys()].filter(inside), `${name}: ${low} to ${high} are stored`);
      // A recall empties a message at once, whatever else of it is unknown.
      const right = held.filter(({ changed, seq, recalled }) => changed <= valid && recalled === truth.get(seq)!.recalled);
      assert.deepEqual(plain(right), plain(right.map(({ seq }) => truth.get(seq)!)));
    }
  }
}

/** Fail unless the client has what the server has. */
function assertSame({ server }: World, page: Page): void {
  for (const [name, room] of server.rooms) {
    const mine = page.client.rooms.get(name);
    assert.equal(mine !== undefined, room.isMember, `${page.id} knows ${name}`);
    if (!mine) continue;
    assert.deepEqual([mine.head, mine.ordinal, mine.applied], [room.log.length, room.ordinals, room.log.length], `${page.id}, positions in ${name}`);
    assert.equal(mine.unread, server.unread(name), `${page.id}, unread in ${name}`);
    const truth = [...server.state(name).values()];
    const cached = mine.cached();
    const low = cached[0]?.seq ?? Infinity;
    assert.deepEqual(plain(cached), plain(truth.filter(({ seq }) => seq >= low)), `${page.id}, cached of ${name}`);
    assert.deepEqual(mine.preview?.seq, truth.at(-1)?.seq, `${page.id}, shown of ${name}`);
  }
}

async function run(seed: number): Promise<void> {
  const world = new World(chance(seed));
  const total = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);
  world.open();
  for (let step = 0; step < STEPS; step++) {
    if (!world.pages.length) world.open();
    let at = world.random() * total;
    const [, act] = ACTIONS.find(([weight]) => (at -= weight) < 0)!;
    await act(world);
    await turns();
    await assertStored(world);
  }
  await world.settle();
  if (!world.pages.length) world.open();
  await world.settle();
  await assertStored(world);
  for (const page of world.pages) {
    for (const name of ROOMS) {
      if (!world.server.rooms.get(name)!.isMember) continue;
      const shown = page.client.room(name).timeline(1000).catch(() => ({ messages: [] }));
      await world.settle();
      const { messages } = await shown;
      assert.deepEqual(plain(messages), plain(world.server.state(name).values()), `${page.id}, timeline of ${name}`);
    }
  }
  await world.settle();
  for (const page of world.pages) assertSame(world, page);
  const stored = new Set(world.server.keys.keys());
  for (const key of world.posted) {
    const failed = world.pages[0]!.client.outbox.some((entry) => entry.key === key && entry.state === "failed");
    assert(failed || stored.has(key), `${key} was promised`);
  }
  await assertStored(world);
}

for (let seed = FIRST; seed < FIRST + SEEDS; seed++) test(`seed ${seed}`, { timeout: 60_000 }, () => run(seed));
