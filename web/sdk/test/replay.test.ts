/** The replay vectors of protocol.md, on a clock that stands still (tests/client/test_replay_vectors.py). */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "../src/people.js";
import { messageFrom } from "../src/core/messages.js";
import type { Packet } from "../src/core/packets.js";
import { settled, StillEnv, welcome, type FakeSocket } from "./kit.js";
import { replays } from "./vectors.json";

/** What a client says by the way is not part of a vector. */
const PASSING = ["hello", "pong", "read", "delivered"];

/** Plays the steps of one vector: the server's end of the line, the app, and the clock. */
class Player {
  private readonly _env = new StillEnv();
  private readonly _client = new Client({
    url: "ws://127.0.0.1/v1/ws", token: () => "a token", env: this._env, settings: { log: () => {}, previews: false },
  });
  private readonly _ids = new Map<number, number>();
  private _asked: Packet[] = [];
  private _connections = 0;
  private _socket: FakeSocket | undefined;

  async play(steps: readonly Packet[]): Promise<void> {
    for (const step of steps) {
      const [[kind, what]] = Object.entries(step) as [[string, any]];
      await STEPS[kind]!.call(this, what);
      await settled();
      const asked = this._socket!.sent.splice(0).filter(({ type }) => !PASSING.includes(type));
      this._asked.push(...asked);
    }
    assert.deepEqual(this._asked, []);
  }

  async hello(reply: Packet): Promise<void> {
    if (this._socket) {
      this._socket.end(1006);
      while (this._env.sockets.length === this._connections) await this._env.advance(1);
    } else await this._client.start();
    this._socket = await this._env.accept(++this._connections);
    await welcome(this._socket, reply);
  }

  serverSays(packet: Packet): void {
    const id = this._ids.get(packet.id);
    this._socket!.push(id === undefined ? packet : { ...packet, id });
  }

  clientAsks(expected: Packet): void {
    const packet = this._asked.shift();
    assert(packet, `the client did not ask ${JSON.stringify(expected)}`);
    this._ids.set(expected.id, packet.id);
    assert.deepEqual(own(packet), own(expected));
  }

  async wait(ms: number): Promise<void> {
    assert.deepEqual(this._asked, []);
    await this._env.advance(ms / 1000);
  }

  app(action: Packet): void {
    const [[verb, what]] = Object.entries(action) as [[string, any]];
    const { before, limit } = what;
    if (verb === "open") this._client.focus([what]);
    else if (verb === "page") void this._client.room(what.room).history({ before, limit }).catch(() => {});
    else void this._engine.deliver(what).catch(() => {});
  }

  replica(expected: Packet): void {
    const replica = this._engine.account.replicas.get(expected.room)!;
    const { timeline, room, read, unread, unreadMentions } = replica;
    const { applied, head } = timeline;
    const held: Packet = {
      room, applied, head, cached: timeline.cached.parts, messages: timeline.between(0, Infinity), read, unread,
      unread_mentions: unreadMentions,
    };
    if (expected.messages) {
      expected = { ...expected, messages: expected.messages.map((event: never) => messageFrom(room, event)) };
    }
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, held[name]])), expected);
  }

  account({ section, rows }: Packet): void {
    assert.deepEqual(this._client.accountRows(section), rows);
  }

  rooms(expected: string[]): void {
    assert.deepEqual([...this._client.rooms.keys()].sort(), expected.sort());
  }

  private get _engine() {
    return this._client["_engine"];
  }
}

const { prototype } = Player;
const STEPS: Record<string, (this: Player, what: any) => void | Promise<void>> = {
  hello: prototype.hello, "S>": prototype.serverSays, "C>": prototype.clientAsks, wait: prototype.wait,
  app: prototype.app, replica: prototype.replica, account: prototype.account, rooms: prototype.rooms,
};

/** Return a packet without the keys that are the client's own choice. */
function own({ id: _, composed_at: __, ...packet }: Packet): Packet {
  return packet;
}

for (const { name, title, steps } of replays) {
  test(`${name} ${title}`, () => new Player().play(steps));
}
