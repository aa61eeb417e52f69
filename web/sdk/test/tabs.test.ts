/** Two clients with one storage, one of which leads: without a browser, by a channel in memory. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Change } from "../src/core/changes.js";
import { ChatError, Closed } from "../src/core/errors.js";
import { TabEngine } from "../src/tab_engine.js";
import type { News } from "../src/tab_link.js";
import { settled, welcome } from "./kit.js";
import { browser, pair, ROOM } from "./local_tabs.js";

function kinds(changes: readonly Change[]): string[] {
  return changes.map(({ kind }) => kind);
}

test("a follower opens no socket, shows what the leader has, and hears what it hears", async () => {
  const { env, leader, follower, socket } = await pair();
  assert.equal(env.sockets.length, 1);
  assert.equal(follower.client.phase, "ready");
  assert.equal(follower.client.user, "u42");
  assert.deepEqual([...follower.client.rooms.keys()], [ROOM]);
  follower.changes.length = 0;
  const event = { seq: 1, kind: "message", user: "u7", time: 1001, ordinal: 1, key: "key-0001", body: { text: "Hi" } };
  socket.push({ type: "event", room: ROOM, events: [event] }, { type: "typing", room: ROOM, user: "u7" });
  await settled();
  const [theirs, ours] = [leader, follower].map(({ client }) => client.room(ROOM));
  assert.equal(ours!.unread, 1);
  assert.deepEqual(ours!.preview, theirs!.preview);
  assert.deepEqual(ours!.typists, ["u7"]);
  assert.deepEqual(kinds(follower.changes).sort(), kinds(leader.changes).filter((kind) => kinds(follower.changes).includes(kind)).slice(-2).sort());
  await follower.client.room(ROOM).open();
  assert.deepEqual(ours!.cached().map(({ text }) => text), ["Hi"]);
  assert.deepEqual((await ours!.timeline(10)).messages.map(({ text }) => text), ["Hi"]);
});

test("two tabs that start at once are one device", async () => {
  const { env, storage, make } = browser();
  const [one, other] = [make().client, make().client];
  await Promise.all([other.start(), one.start()]);
  const hello = await (await env.accept(1)).take("hello");
  assert.equal((await storage.load()).account?.get("device"), hello.device);
  assert.deepEqual([one.device, other.device], [hello.device, hello.device]);
});

test("a follower's message is stored, sent by the leader, and acknowledged in both", async () => {
  const { leader, follower, socket } = await pair();
  const sent = follower.client.room(ROOM).send("from the other tab");
  const packet = await socket.take("send");
  assert.equal(packet.body.text, "from the other tab");
  assert.deepEqual(leader.client.outbox.map(({ key }) => key), [packet.key]);
  assert.deepEqual(follower.client.outbox.map(({ key }) => key), [packet.key]);
  socket.push({ type: "ok", id: packet.id, seq: 1, ordinal: 1, time: 1001 });
  assert.equal((await sent).seq, 1);
  await settled();
  assert.deepEqual([leader.client.outbox.length, follower.client.outbox.length], [0, 0]);
  for (const { changes } of [leader, follower]) {
    assert.deepEqual(kinds(changes).filter((kind) => kind.startsWith("send")), ["sendQueued", "sendDone"]);
    assert.equal(kinds(changes).filter((kind) => kind === "messageAdded").length, 1);
  }
});

test("when the leader goes, the follower goes on with its outbox and its rooms", async () => {
  const { env, leader, follower, socket } = await pair();
  socket.sent.length = 0;
  const key = await leader.client.room(ROOM).post("not acknowledged");
  await follower.client.room(ROOM).open();
  await leader.client.close();
  const next = await env.accept(2);
  const hello = await welcome(next, { sync: { cursor: "AAAD1B", rooms: [] } });
  assert.equal(hello.cursor, "AAAD1A");
  assert.equal(hello.device, leader.client.device);
  const packet = await next.take("send");
  assert.equal(packet.key, key);
  assert.equal(follower.client.phase, "ready");
});

test("a leader that lost the lead tells nobody that it stopped, and the next one carries out what it was asked", async () => {
  const { env, channel, leader, follower, socket } = await pair();
  const asked = leader.client.call({ type: "users.get", users: ["u7"] });
  const sent = leader.client.room(ROOM).send("not acknowledged");
  await socket.take("users.get");
  for (const { changes } of [leader, follower]) changes.length = 0;
  const stolen = channel.steal();
  const next = await env.accept(2);
  await welcome(next, { sync: { cursor: "AAAD1B", rooms: [] } });
  await stolen;
  const message = await next.take("send");
  next.push({ type: "ok", id: message.id, seq: 1, ordinal: 1, time: 1001 });
  const packet = await next.take("users.get");
  next.push({ type: "ok", id: packet.id, users: [{ user: "u7", name: "Bob" }] });
  assert.deepEqual((await asked).users, [{ user: "u7", name: "Bob" }]);
  assert.equal((await sent).seq, 1);
  for (const { client, changes } of [leader, follower]) {
    assert.equal(client.phase, "ready");
    assert.ok(!changes.some((change) => change.kind === "stateChanged" && change.phase === "stopped"));
  }
});

test("a tab that is closed tells itself that it stopped, and no other", async () => {
  const { env, leader, follower } = await pair();
  const late = leader.client.room(ROOM).send("not acknowledged");
  await settled();
  follower.changes.length = 0;
  await Promise.all([leader.client.close(), assert.rejects(late, Closed)]);
  await welcome(await env.accept(2), { sync: { cursor: "AAAD1B", rooms: [] } });
  await settled();
  assert.equal(leader.changes.at(-1)!.kind, "stateChanged");
  assert.ok(!follower.changes.some((change) => change.kind === "stateChanged" && change.phase === "stopped"));
});

test("news from before the first load are passed over", async () => {
  const { make, leader } = await pair();
  const late = make();
  const key = await leader.client.room(ROOM).post("stored");
  const value = leader.client.outbox.find((entry) => entry.key === key)!.record();
  const news: News = { rows: [{ table: "outbox", key, value }], changes: [{ kind: "sendQueued", room: ROOM, key }] };
  (late.client["_engine"] as TabEngine).take(news);
  assert.deepEqual([late.changes, late.client.outbox], [[], []]);
  await late.client.start();
  assert.deepEqual(late.client.outbox.map((entry) => entry.key), [key]);
});

test("a refusal, drafts and users reach the other tab", async () => {
  const { leader, follower, socket } = await pair();
  const asked = follower.client.call({ type: "users.get", users: ["u7"] });
  const packet = await socket.take("users.get");
  socket.push({ type: "error", id: packet.id, code: "forbidden", retry: "never" });
  await assert.rejects(asked, (error) => error instanceof ChatError && error.code === "forbidden");
  await follower.client.setDraft(ROOM, { text: "half a" });
  const fetched = leader.client.fetchUsers(["u7"]);
  const again = await socket.take("users.get");
  socket.push({ type: "ok", id: again.id, users: [{ user: "u7", name: "Bob" }] });
  await fetched;
  await settled();
  assert.deepEqual(leader.client.drafts.get(ROOM), { text: "half a" });
  assert.equal(follower.client.users.get("u7")?.name, "Bob");
});

test("the server is told the rooms on the screens of all tabs, and forgets those of a tab that is gone", async () => {
  const { leader, follower, socket } = await pair();
  leader.client.focus([ROOM]);
  follower.client.focus(["g4fKz81QwXe2"]);
  await settled();
  const told = socket.sent.filter(({ type }) => type === "focus").map(({ rooms }) => rooms);
  assert.deepEqual(told, [[ROOM], [ROOM, "g4fKz81QwXe2"]]);
  (leader.client["_engine"] as TabEngine).left("t1");
  await settled();
  assert.deepEqual(socket.sent.at(-1)!.rooms, [ROOM]);
});

test("many tabs name no more than the server takes", async () => {
  const { leader, follower, socket } = await pair();
  const users = (letter: string): string[] => Array.from({ length: 150 }, (_, at) => `${letter}${at}`);
  leader.client.watch(users("a"));
  follower.client.watch(users("b"));
  await settled();
  const told = socket.sent.filter(({ type }) => type === "watch").map(({ users }) => users);
  assert.deepEqual(told.at(-1), [...users("a"), ...users("b").slice(0, 50)]);
});
