/** Reports, bots and restrictions: what goes out, and what an app learns of it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "../src/people.js";
import { addressOf, commandsFor, fetchBot, press, report, restrictionOf } from "../src/platform.js";
import { msgpack } from "../src/msgpack.js";
import type { Packet } from "../src/core/packets.js";
import { settled, StillEnv, welcome } from "./kit.js";

async function connected(sync: Packet = {}) {
  const env = new StillEnv();
  const client = new Client({ url: "ws://x", token: () => "t", codec: msgpack, env });
  await client.start();
  const socket = await env.accept(1);
  const hello = await welcome(socket, { features: ["reports"], sync: { rooms: [], cursor: "c", ...sync } });
  return { client, env, socket, hello };
}

test("it asks for the feature words, and says which are in force", async () => {
  const { client, hello } = await connected();
  for (const word of ["people", "reports", "bots"]) assert.ok(hello.features.includes(word), word);
  assert.deepEqual(client.features, ["reports"]);
  await client.close();
});

test("a report names its subject, and is the same when it is repeated with its key", async () => {
  const { client, socket } = await connected();
  const keys = [];
  for (const key of ["AZqxm1aB2cD3eF4gH5iJkL", undefined, undefined]) {
    const filed = report(client, { room: "g", seq: 7 }, "fraud", { text: "wants my card", ...(key && { key }) });
    const { id, key: sent, ...asked } = await socket.take("report");
    socket.push({ type: "ok", id, report: "r1", duplicate: true });
    assert.deepEqual(asked, { type: "report", reason: "fraud", room: "g", seq: 7, text: "wants my card" });
    assert.deepEqual(await filed, { type: "ok", id, report: "r1", duplicate: true });
    keys.push(sent);
  }
  assert.equal(keys[0], "AZqxm1aB2cD3eF4gH5iJkL");
  assert.equal(new Set(keys).size, 3);
  assert.match(keys[1], /^[\w-]{22}$/);
  void report(client, { user: "u9" }, "spam").catch(() => {});
  const { id: _, key: __, ...asked } = await socket.take("report");
  assert.deepEqual(asked, { type: "report", reason: "spam", user: "u9" });
  await client.close();
});

test("a bot without settings has no commands; those of one are offered while their name is typed", async () => {
  const { client, socket } = await connected();
  const commands = [{ name: "rain", description: "" }, { name: "radar_2", description: "" }, { name: "help", description: "" }];
  for (const [given, bot] of [[{}, { commands: [], welcome: false }], [{ commands, welcome: true }, { commands, welcome: true }]]) {
    const fetched = fetchBot(client, "weather");
    const { id, bot: asked } = await socket.take("bots.get");
    socket.push({ type: "ok", id, ...given });
    assert.deepEqual([asked, await fetched], ["weather", bot]);
  }
  const names = (text: string) => commandsFor(text, commands).map(({ name }) => name);
  assert.deepEqual(names("/"), ["rain", "radar_2", "help"]);
  assert.deepEqual([names("/RA"), names("/radar_2")], [["rain", "radar_2"], ["radar_2"]]);
  for (const text of ["", "rain", " /rain", "/rain ", "//", "/rain\n"]) assert.deepEqual(names(text), [], text);
  await client.close();
});

test("a press is a message that answers; only addresses of the web are opened", async () => {
  const { client, socket } = await connected({ rooms: [{ room: "d", seq: 2, peer: "weather", first_visible: 1 }] });
  const pressed = press(client.room("d"), 2, { label: "Vienna", data: "city=vie" });
  const { id, body } = await socket.take("send");
  assert.deepEqual(body, { text: "Vienna", data: "city=vie", reply_to: 2 });
  socket.push({ type: "ok", id, seq: 3, ordinal: 2, time: 1 });
  assert.equal((await pressed).seq, 3);
  assert.equal(addressOf({ label: "", url: "https://example.org/a" })?.host, "example.org");
  for (const url of [undefined, "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x", ""]) {
    assert.equal(addressOf({ label: "", ...(url !== undefined && { url }) }), undefined, url);
  }
  await client.close();
});

test("what keeps from writing is told with its end, and what was written waits, or is given up", async () => {
  const { client, env, socket } = await connected({ rooms: [{ room: "g", seq: 1, members: 3, first_visible: 1 }] });
  const told: Packet[] = [];
  client.on((change) => void (change.kind === "sendDelayed" && told.push(change.error)));
  const key = await client.room("g").post("Hi");
  const { id } = await socket.take("send");
  socket.push({ type: "error", id, code: "muted", retry: "later", retry_after: 2000, scope: "user" });
  await settled();
  assert.deepEqual(restrictionOf(told[0]!, 1000), { kind: "muted", until: 3000 });
  assert.deepEqual(client.outbox.map(({ state, error }) => [state, error?.code]), [["queued", "muted"]]);
  await env.advance(1.9);
  assert.equal(socket.sent.filter(({ type }) => type === "send").length, 0);
  await env.advance(0.2);
  const again = await socket.take("send");
  assert.equal(again.key, key);
  socket.push({ type: "error", id: again.id, code: "muted", retry: "later", retry_after: 60_000, scope: "user" });
  await settled();
  assert.equal(await client.discard(key), true);
  assert.deepEqual(client.outbox, []);
  const slow = { code: "rate_limited", scope: "slow", retry_after: 10_000 };
  assert.deepEqual(restrictionOf(slow, 5), { kind: "slow", until: 10_005 });
  for (const other of [{ ...slow, scope: "user" }, { code: "muted", scope: "room" }, { code: "rejected" }]) {
    assert.equal(restrictionOf(other, 5), undefined);
  }
  await client.close();
});
