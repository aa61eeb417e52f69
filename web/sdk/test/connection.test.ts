/** The order of things on one connection. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";

import { Client } from "../src/client.js";
import type { Change } from "../src/core/changes.js";
import { encode } from "../src/core/msgpack.js";
import { MemoryStorage } from "../src/storage.js";
import { settled, StillEnv, welcome } from "./kit.js";

const ROOM = "d7Qw2nB5cYtL";

async function started(sync: object) {
  const env = new StillEnv();
  const storage = new MemoryStorage();
  const changes: Change[] = [];
  const client = new Client({ url: "ws://127.0.0.1/v1/ws", token: () => "a token", env, storage, settings: { log: () => {} } });
  client.on((change) => changes.push(change));
  await client.start();
  const socket = await env.accept(1);
  await welcome(socket, { sync });
  return { client, changes, env, socket, storage };
}

test("a frame behind a compressed one waits for it", async () => {
  const { changes, socket } = await started({ cursor: "AAAD1A", rooms: [] });
  const data = deflateRawSync(encode({ type: "presence", users: [{ user: "u7", state: "online" }] }));
  socket.onmessage!({ data: Uint8Array.from([0xc7, data.length, 1, ...data]) } as never);
  socket.push({ type: "presence", users: [{ user: "u7", state: "away" }] });
  const seen = () => changes.flatMap((change) => (change.kind === "presenceChanged" ? [change.state] : []));
  while (seen().length < 2) await settled();
  assert.deepEqual(seen(), ["online", "away"]);
});

test("an own message that is seen before its acknowledgement is done once", async () => {
  const { changes, client, socket } = await started({ cursor: "AAAD1A", rooms: [{ room: ROOM, seq: 0, peer: "u7" }] });
  const key = await client.room(ROOM).post("Hi");
  const packet = await socket.take("send");
  const event = { seq: 1, kind: "message", user: "u42", time: 1001, ordinal: 1, key, body: { text: "Hi" } };
  socket.push({ type: "event", room: ROOM, events: [event] }, { type: "ok", id: packet.id, seq: 1, ordinal: 1, time: 1001 });
  await settled();
  assert.deepEqual(changes.filter(({ kind }) => ["sendDone", "messageAdded"].includes(kind)).length, 2);
  assert.deepEqual(client.outbox, []);
});

test("a cursor that comes before the last page is not kept, and content is stored before the cursor that covers it", async () => {
  const { env, socket, storage } = await started({ rooms: [], more: "AAAD1A.30", full: true });
  socket.push({ type: "ping", cursor: "AAAD2c" });
  await settled();
  assert.equal((await storage.load()).account?.get("cursor"), undefined);
  const written: string[] = [];
  const write = storage.write.bind(storage);
  storage.write = (rows) => (written.push(...rows.map(({ table, key }) => `${table} ${key}`)), write(rows));
  const { id } = await socket.take("sync");
  socket.push({ type: "ok", id, rooms: [{ room: ROOM, seq: 3, peer: "u7" }], cursor: "AAAD2d", full: true });
  await settled();
  assert.deepEqual(written.filter((row) => /^rooms|cursor/.test(row)), [`rooms ${ROOM}`, "account cursor"]);
  assert.equal((await storage.load()).account?.get("cursor"), "AAAD2d");
  await env.advance(0);
});
