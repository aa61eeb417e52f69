/** What the tests share: a clock that stands still, sockets without a network, and the time until all is quiet. */

import { msgpack } from "../src/msgpack.js";
import type { Packet } from "../src/core/packets.js";
import { SystemEnv, type Env, type Socket, type Timer } from "../src/env.js";

/** Return when everything that follows from what was done has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A client's end of a connection, and the server's: what was sent, and what to push. */
export class FakeSocket implements Socket {
  binaryType = "";
  readonly protocol: string;
  readonly sent: Packet[] = [];
  isClosed = false;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;

  constructor(protocols: string[]) {
    this.protocol = protocols[0]!;
    queueMicrotask(() => this.onopen?.(undefined as never));
  }

  send(data: string | Uint8Array): void {
    this.sent.push(...(msgpack.decode(data) as Packet[]));
  }

  close(): void {
    this.isClosed = true;
    queueMicrotask(() => this.end(1000));
  }

  /** Push packets in one frame. */
  push(...packets: Packet[]): void {
    const data = msgpack.join(packets.map((packet) => msgpack.encode(packet)));
    this.onmessage?.({ data } as never);
  }

  end(code: number): void {
    this.isClosed = true;
    this.onclose?.({ code, reason: "" } as never);
  }

  /** Take the next packet of one of these types; others before it are dropped. */
  async take(...types: string[]): Promise<Packet> {
    for (let turn = 0; turn < 200; turn++) {
      const packet = this.sent.shift();
      if (packet && types.includes(packet.type)) return packet;
      if (!packet) await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`nothing of ${types} came`);
  }
}

/** Time that moves by `advance` only, and sockets that the test serves. */
export class StillEnv extends SystemEnv implements Env {
  now = 1000;
  sockets: FakeSocket[] = [];
  private _timers: { at: number; action: () => void }[] = [];

  constructor() {
    super(FakeSocket as never);
  }

  override monotonic(): number {
    return this.now;
  }

  override random(): number {
    return 0.5;
  }

  override callLater(delayS: number, action: () => void): Timer {
    const timer = { at: this.now + delayS, action };
    this._timers.push(timer);
    return { cancel: () => (this._timers = this._timers.filter((other) => other !== timer)) };
  }

  override connect(_: string, protocols: string[]): Socket {
    const socket = new FakeSocket(protocols);
    this.sockets.push(socket);
    return socket;
  }

  /** Let time pass; what comes due is done at its time. */
  async advance(seconds: number): Promise<void> {
    const end = this.now + seconds;
    for (;;) {
      await settled();
      this._timers.sort((one, other) => one.at - other.at);
      if (!this._timers.length || this._timers[0]!.at > end) break;
      const { at, action } = this._timers.shift()!;
      this.now = Math.max(this.now, at);
      action();
    }
    this.now = end;
  }

  /** Return the newest socket, once there are `count`. */
  async accept(count: number): Promise<FakeSocket> {
    for (let turn = 0; turn < 200 && this.sockets.length < count; turn++) await settled();
    return this.sockets[count - 1]!;
  }
}

export const WELCOME = {
  version: 1, user: "u42", session: "s9fK2", time: 1763900000123, epoch: "k7Qd", features: [], heartbeat: 30,
  token_ttl: 3600,
};

/** Answer the hello of a socket. */
export async function welcome(socket: FakeSocket, reply: Packet): Promise<Packet> {
  const hello = await socket.take("hello");
  socket.push({ type: "ok", id: hello.id, ...WELCOME, ...reply });
  await settled();
  return hello;
}

/** A source of chance that gives the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
