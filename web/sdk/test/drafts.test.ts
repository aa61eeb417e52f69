/** Drafts of one user on several devices, with an account in memory. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Drafts, type DraftBody } from "../src/conversations.js";
import type { Change } from "../src/core/changes.js";
import { ChatError } from "../src/core/errors.js";
import type { Packet } from "../src/core/packets.js";
import { chance, settled, StillEnv } from "./kit.js";

const ROOM = "g";

/** The account: its draft of the room, the messages, and the devices that hear of both. */
class Server {
  row: Packet | undefined;
  readonly messages: Packet[] = [];
  readonly devices: Device[] = [];
  asked = 0;
  refusal: ChatError | undefined = undefined;

  async draft({ key, body }: Packet): Promise<Packet> {
    await settled();
    this.asked += 1;
    if (this.refusal) throw this.refusal;
    this.row = body && !this.messages.some((message) => message.key === key) ? { key, body, time: this.asked } : undefined;
    const { row } = this;
    for (const device of this.devices) device.news.push(() => device.setRow(row));
    return { stamp: this.asked };
  }

  /** Store a message; false where another has its key. */
  send(key: string, text: string): boolean {
    const known = this.messages.find((message) => message.key === key);
    if (known) return known.text === text;
    this.messages.push({ user: "me", key, text });
    for (const device of this.devices) device.news.push(() => device.hear(key));
    return true;
  }
}

/** The part of a client that drafts see, with what is on its screen. */
class Device {
  readonly user = "me";
  features: string[] = ["drafts"];
  readonly drafts = new Map<string, unknown>();
  readonly outbox: Packet[] = [];
  readonly messages = new Map<number, Packet>();
  readonly news: (() => void)[] = [];
  text = "";
  taken = 0;
  tool!: Drafts;
  private _row: Packet | undefined;
  private readonly _listeners = new Set<(change: Change) => void>();

  constructor(readonly server: Server, readonly env = new StillEnv()) {
    server.devices.push(this);
    this.start();
  }

  start(): void {
    const read = (): DraftBody | undefined => (this.text ? { text: this.text } : undefined);
    const take = (_: string, body: DraftBody | undefined) => {
      this.text = body?.text ?? "";
      this.taken += 1;
    };
    this.tool = new Drafts(this as never, { read, take }, (delay, action) => this.env.callLater(delay, action));
  }

  /** End, and begin anew: the messages of a room are loaded when it is opened. */
  restart(): void {
    this.tool.stop();
    this.messages.clear();
    this.start();
  }

  on(listener: (change: Change) => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  emit(change: Partial<Change>): void {
    for (const listener of this._listeners) listener(change as Change);
  }

  accountRows(): Record<string, unknown> {
    return this._row ? { [ROOM]: this._row } : {};
  }

  room(): this {
    return this;
  }

  async setDraft(place: string, draft: unknown): Promise<void> {
    if (draft === undefined) this.drafts.delete(place);
    else this.drafts.set(place, draft);
  }

  call(packet: Packet): Promise<Packet> {
    return this.server.draft(packet);
  }

  setRow(row: Packet | undefined): void {
    this._row = row;
    this.emit({ kind: "accountChanged", section: "drafts", name: ROOM });
  }

  hear(key: string): void {
    this.messages.set(this.messages.size, { key });
    this.emit({ kind: "messageAdded", room: ROOM, message: { user: "me", key } } as never);
  }

  /** Take what the server told. */
  catchUp(): void {
    for (const one of this.news.splice(0)) one();
  }

  type(text: string): void {
    this.tool.typed(ROOM);
    this.text = text;
  }

  /** Send a message: what is on the screen, or one that was refused. */
  async post(content: DraftBody = { text: this.text }, { key = this.tool.post(ROOM) } = {}): Promise<void> {
    const { text = "" } = content;
    if (text === this.text) this.text = "";
    if (this.server.send(key, text)) return;
    this.outbox.push({ room: ROOM, key, packet: { type: "send", body: content } });
    this.emit({ kind: "sendFailed", room: ROOM, key, error: { code: "conflict" } } as never);
    await settled();
  }

  async discard(key: string): Promise<boolean> {
    const at = this.outbox.findIndex((entry) => entry.key === key);
    return at >= 0 && this.outbox.splice(at, 1).length > 0;
  }

  /** Let time pass, and requests be answered. */
  async wait(seconds: number): Promise<void> {
    await this.env.advance(seconds);
    await settled();
  }
}

test("a draft goes out 10 s after the last key, when its room is left, and at the background", async () => {
  const server = new Server();
  const device = new Device(server);
  device.type("H");
  await device.wait(9);
  device.type("Hi");
  await device.wait(9);
  assert.equal(server.asked, 0);
  await device.wait(1);
  assert.deepEqual([server.asked, server.row!.body], [1, { text: "Hi" }]);
  device.type("Hi Bob");
  await device.tool.flush(ROOM);
  await device.tool.flush();
  assert.deepEqual([server.asked, server.row!.body], [2, { text: "Hi Bob" }]);
  device.type("");
  await device.tool.flush();
  await device.wait(20);
  assert.deepEqual([server.asked, server.row], [3, undefined]);
});

test("what is sent before costs no draft, and what was one is over everywhere by its key", async () => {
  const server = new Server();
  const [phone, laptop] = [new Device(server), new Device(server)];
  phone.type("Quick");
  await phone.post();
  await phone.wait(20);
  assert.equal(server.asked, 0);
  phone.type("Slow");
  await phone.wait(10);
  laptop.catchUp();
  assert.equal(laptop.text, "Slow");
  phone.type("Slower");
  await phone.post();
  laptop.catchUp();
  assert.deepEqual([laptop.text, server.asked], ["", 1]);
  laptop.restart();
  assert.equal(laptop.text, "");
});

test("what comes from elsewhere is sent under its key, and changed under another", async () => {
  const server = new Server();
  const [phone, laptop] = [new Device(server), new Device(server)];
  phone.type("From the bus");
  await phone.tool.flush();
  laptop.catchUp();
  laptop.type("From the bus, on the laptop");
  await laptop.post();
  await settled();
  assert.equal(server.row, undefined);
  phone.catchUp();
  assert.equal(phone.text, "");
  phone.type("Again");
  await phone.tool.flush();
  const { key } = server.row!;
  laptop.catchUp();
  await laptop.post();
  assert.deepEqual(server.messages.at(-1), { user: "me", key, text: "Again" });
});

test("what is on the screen stays, and goes out once there is a network", async () => {
  const server = new Server();
  const [phone, laptop] = [new Device(server), new Device(server)];
  server.refusal = new ChatError({ code: "overloaded", retry: "later" } as never);
  laptop.type("Typed in a tunnel");
  await laptop.wait(10);
  server.refusal = undefined;
  phone.type("Meanwhile");
  await phone.tool.flush();
  laptop.catchUp();
  assert.deepEqual([laptop.text, laptop.taken], ["Typed in a tunnel", 0]);
  laptop.restart();
  laptop.emit({ kind: "stateChanged", phase: "ready" });
  await laptop.wait(0);
  phone.catchUp();
  assert.equal(phone.text, "Typed in a tunnel");
});

test("without the feature, too long, or refused for good, it stays on its device", async () => {
  const server = new Server();
  const device = new Device(server);
  device.features = [];
  device.type("Here only");
  await device.wait(20);
  await device.tool.flush();
  assert.equal(server.asked, 0);
  device.features = ["drafts"];
  device.type("x".repeat(2000));
  await device.tool.flush();
  assert.equal(server.asked, 0);
  server.refusal = new ChatError({ code: "not_member", retry: "never" } as never);
  device.type("Hi");
  await device.tool.flush();
  await device.tool.flush();
  assert.equal(server.asked, 1);
});

for (let seed = 1; seed <= 60; seed++) {
  test(`devices agree in the end, and no text is lost, seed ${seed}`, async () => {
    const random = chance(seed);
    const server = new Server();
    const devices = [new Device(server), new Device(server)];
    const [typed, sent] = [new Map<Device, string>(), new Set<string>()];
    for (let step = 0; step < 60; step++) {
      const device = devices[Math.floor(random() * devices.length)]!;
      const before = device.text;
      const dice = random();
      if (dice < 0.35) {
        device.type(random() < 0.2 ? "" : `text ${step}`);
        typed.set(device, device.text);
      } else if (dice < 0.55) {
        await device.tool.flush();
        typed.delete(device);
      } else if (dice < 0.65 && device.text) {
        sent.add(device.text);
        await device.post();
        typed.delete(device);
      } else if (dice < 0.75) device.restart();
      else {
        device.catchUp();
        // What is unsent here stays on the screen.
        if (typed.has(device)) assert.equal(device.text, before);
      }
    }
    for (let round = 0; round < 4; round++) {
      for (const device of devices) device.catchUp();
      for (const device of devices) await device.tool.flush();
      await settled();
    }
    for (const device of devices) device.catchUp();
    assert.equal(devices[0]!.text, devices[1]!.text);
    const isSpent = server.messages.some(({ key }) => key === server.row?.key);
    assert.equal(devices[0]!.text, isSpent ? "" : (server.row?.body.text ?? ""));
    assert.deepEqual(new Set(server.messages.map(({ text }) => text)), sent);
  });
}
