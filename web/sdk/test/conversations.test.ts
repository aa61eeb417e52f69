/** Groups, the ways into them, the inbox: what goes out, and what an app learns of it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import {
  ban, clear, commentsOn, countComments, deleteForMe, digestOf, forward, govern, hindranceOf, inviteIn, invitesOf, isDeleted, isRetained, join, joinsOf,
  linkComments, may, mayChange, rangesOf, rulesOf, schedule, scheduledOf, silence, useInvite, verify, type Policy,
} from "../src/conversations.js";
import type { Packet } from "../src/core/packets.js";
import type { Summary } from "../src/core/summary.js";
import { msgpack } from "../src/msgpack.js";
import { Client } from "../src/people.js";
import { chance, settled, StillEnv, welcome } from "./kit.js";

const INVITE = "q0Lr5Tz8XbN2mVcK7wYs1A";

async function connected(sync: Packet = {}) {
  const env = new StillEnv();
  const client = new Client({ url: "ws://x", token: () => "t", codec: msgpack, env });
  await client.start();
  const socket = await env.accept(1);
  const hello = await welcome(socket, { features: ["groups", "drafts"], sync: { rooms: [], cursor: "c", ...sync } });
  /** Answer the next request of this type, and return it. */
  const answer = async (type: string, reply: Packet) => {
    const { id, ...asked } = await socket.take(type);
    socket.push({ type: "ok", id, ...reply });
    await settled();
    return asked;
  };
  return { client, env, socket, hello, answer };
}

const group = (more: Partial<Summary>) => ({ role: "member", peer: "", public: false, ...more }) as Summary;

test("rules hold as they were set, else as is usual for the kind", () => {
  const defaults = (kind: string, more: Partial<Summary> = {}) => {
    const { join, post, history, hide_members, invite } = rulesOf(group({ kind, ...more }));
    return [join, post, history, hide_members, invite].join();
  };
  assert.equal(defaults("group"), "closed,member,none,false,admin");
  assert.equal(defaults("channel"), "open,admin,all,true,admin");
  assert.equal(defaults("group", { public: true }), "open,member,none,false,admin");
  assert.equal(defaults("group", { public: true, policy: { join: "request" } }), "request,member,none,false,admin");
  assert.equal(defaults("of a later server"), defaults("group"));
});

test("who may do what follows from the rules and the role", () => {
  const policy: Policy = { post: "admin", pin: "member", invite: "owner" };
  const table = { member: [false, true, false], admin: [true, true, false], owner: [true, true, true] };
  for (const [role, expected] of Object.entries(table)) {
    const summary = group({ role, policy });
    assert.deepEqual((["post", "pin", "invite"] as const).map((deed) => may(summary, deed)), expected, role);
    assert.deepEqual([mayChange(summary, "slow_s"), mayChange(summary, "join")], [expected[0], expected[2]], role);
  }
  assert.ok(may(group({ peer: "u7", policy }), "post"));
});

test("a composer says why one may not write, the longest reason first", () => {
  const now = 1_000_000;
  const policy: Policy = { slow_s: 30 };
  const why = (more: Partial<Summary>, lastSent = 0) => hindranceOf(group({ policy, ...more }), lastSent, now);
  assert.deepEqual(why({ silenced_until: 1 }), { kind: "silenced", until: 1 });
  assert.deepEqual(why({ silenced_until: now + 1, policy: { post: "owner" } }), { kind: "silenced", until: now + 1 });
  assert.deepEqual(why({ silenced_until: now, policy: { post: "admin" } }), { kind: "staff_only" });
  assert.deepEqual(why({}, now - 29_000), { kind: "slow", until: now + 1000 });
  for (const [more, lastSent] of [[{}, now - 30_000], [{ role: "admin" }, now], [{}, 0], [{ peer: "u7" }, now]] as const) {
    assert.equal(why(more, lastSent), undefined);
  }
});

test("what admins do goes out with a key, and what became of it is fetched", async () => {
  const { client, hello, answer } = await connected({ rooms: [{ room: "g", seq: 3, members: 4, role: "owner" }] });
  for (const word of ["groups", "drafts", "channels", "search"]) assert.ok(hello.features.includes(word), word);
  const room = client.room("g");
  const steps: [Promise<unknown>, Packet][] = [
    [govern(room, { policy: { slow_s: 30 }, about: "Bikes" }), { type: "room.update", policy: { slow_s: 30 }, about: "Bikes" }],
    [ban(room, ["u7"], { recall: true }), { type: "members.remove", users: ["u7"], ban: true, recall: true }],
    [silence(room, ["u7"], 1), { type: "members.silence", users: ["u7"], until: 1 }],
    [forward(client.room("other"), [5, 6], room), { type: "forward", from: "other", seqs: [5, 6] }],
  ];
  for (const [done, expected] of steps) {
    const { key, room: named, ...asked } = await answer(expected.type, { seqs: [8, 9] });
    assert.match(key, /^[\w-]{22}$/);
    assert.deepEqual([named, asked], ["g", expected]);
    await done;
  }
  assert.deepEqual(await steps.at(-1)![0], [8, 9]);
  await client.close();
});

test("one enters at once, or waits for an admin", async () => {
  const { client, answer, socket } = await connected();
  const waits = useInvite(client, INVITE, { text: "Ann sent me", key: "AZqxkf2lM3nO4pQ5rS6tUv" });
  const asked = await answer("invites.use", { time: 5, requested: true });
  assert.deepEqual(asked, { type: "invites.use", invite: INVITE, text: "Ann sent me", key: "AZqxkf2lM3nO4pQ5rS6tUv" });
  assert.deepEqual(await waits, { requested: true });
  const enters = useInvite(client, INVITE);
  await answer("invites.use", { time: 5, summary: { room: "g", seq: 3 } });
  await answer("room.get", { summary: { room: "g", seq: 3, title: "Bike tour" } });
  assert.deepEqual(await enters, { room: "g", requested: false });
  assert.equal(client.rooms.get("g")!.summary.title, "Bike tour");
  const asks = join(client, "g2", "Hi");
  assert.equal((await answer("room.join", { time: 6, requested: true })).text, "Hi");
  assert.deepEqual(await asks, { requested: true });
  const row = { room: "g2", user: "u42", kind: "asked", card: { title: "Chess" } };
  socket.push({ type: "account", sections: { joins: [{ name: "g2", stamp: 9, value: row }] } });
  assert.deepEqual(joinsOf(client), new Map([["g2", row]]));
  await client.close();
});

test("comments are linked, written, read and counted", async () => {
  const rooms = [{ room: "c00000000001", seq: 3, role: "owner", kind: "channel" }, { room: "g00000000001", seq: 1 }];
  const { client, answer } = await connected({ rooms });
  const channel = client.room("c00000000001");
  const linking = linkComments(channel, "g00000000001");
  const { key, ...asked } = await answer("room.update", { seq: 4, time: 1000 });
  assert.deepEqual(asked, { type: "room.update", room: channel.id, comments: "g00000000001" });
  await linking;

  const sending = client.room("g00000000001").send("I come along", { post: 2 });
  assert.equal((await answer("send", { seq: 2, ordinal: 1, time: 1001 })).post, 2);
  await sending;

  const reading = commentsOn(client, "g00000000001", 2, { before: 9 });
  const event = { seq: 2, kind: "message", user: "u1", time: 1001, key: "k", body: { text: "I come along" }, post: 2 };
  const reply = { events: [event], low: 1, high: 8, seq: 20, end: true };
  assert.deepEqual(await answer("history", reply), { type: "history", room: "g00000000001", post: 2, before: 9 });
  const page = await reading;
  assert.deepEqual(page.messages.map(({ text, post }) => [text, post]), [["I come along", 2]]);
  assert.deepEqual([page.low, page.high, page.end], [1, 8, true]);

  const counting = countComments(client, channel.id, [2, 3]);
  assert.deepEqual((await answer("comments", { counts: [{ seq: 2, count: 12 }] })).seqs, [2, 3]);
  assert.deepEqual([...(await counting)], [[2, 12]]);
});

test("lists go on to their end", async () => {
  const { client, answer } = await connected();
  const found = (async () => {
    const all = [];
    for await (const { invite } of invitesOf(client, "g")) all.push(invite);
    return all;
  })();
  assert.equal((await answer("invites.list", { invites: [{ invite: "a" }, { invite: "b" }], more: "m" })).more, undefined);
  assert.equal((await answer("invites.list", { invites: [{ invite: "c" }] })).more, "m");
  assert.deepEqual(await found, ["a", "b", "c"]);
  await client.close();
});

test("an invite is the last part of an address, or a text of its own", () => {
  const before = ["", " ", "https://app.example/join/", "https://x/#/invite/", "https://x/?invite="];
  for (const start of before) assert.equal(inviteIn(`${start}${INVITE}\n`), INVITE, start);
  const others = ["", "https://app.example/", `${INVITE}A`, `see ${INVITE}`, `${INVITE}/`];
  for (const text of others) assert.equal(inviteIn(text), undefined, text);
});

test("a message for later is replaced and dropped by its key", async () => {
  const { client, answer, socket } = await connected({ rooms: [{ room: "g", seq: 3 }] });
  const later = schedule(client, client.room("g"), { text: "Happy birthday" }, 9000);
  const { key, ...asked } = await answer("schedule", { stamp: 4 });
  assert.deepEqual(asked, { type: "schedule", room: "g", at: 9000, body: { text: "Happy birthday" } });
  assert.equal(await later, key);
  const value = { room: "g", at: 9000, body: { text: "Happy birthday" } };
  socket.push({ type: "account", sections: { scheduled: [{ name: key, stamp: 4, value }] } });
  assert.deepEqual([...scheduledOf(client)], [[key, value]]);
  const clearing = clear(client, client.room("g"));
  assert.deepEqual(await answer("clear", {}), { type: "clear", room: "g", seq: 3 });
  await answer("room.get", { summary: { room: "g", seq: 3, first_visible: 4 } });
  await clearing;
  const deleting = deleteForMe(client, client.room("g"), [3, 1, 2]);
  assert.deepEqual((await answer("reads", { rooms: [] })).rooms, [{ room: "g", seq: 3 }]);
  assert.deepEqual(await answer("delete", {}), { type: "delete", room: "g", ranges: [[1, 3]] });
  await deleting;
  await client.close();
});

for (let seed = 1; seed <= 20; seed++) {
  test(`ranges hold the numbers that were named, and no others, seed ${seed}`, () => {
    const random = chance(seed);
    const seqs = Array.from({ length: 30 }, () => Math.floor(random() * 50));
    const ranges = rangesOf(seqs);
    for (let seq = 0; seq < 50; seq++) assert.equal(isDeleted(ranges, seq), seqs.includes(seq), `${seq}`);
    for (const [at, [low]] of ranges.entries()) assert.ok(at === 0 || low > ranges[at - 1]![1] + 1);
  });
}

test("a list that is not that of the server is fetched anew", async () => {
  const rooms = [
    { room: "g4fKz81QwXe2", seq: 1041, ordinal: 986, read: 1038, unread: 2, unread_mentions: 1, first_visible: 3, members: 4 },
    { room: "d7Qw2nB5cYtL", seq: 7, ordinal: 5, read: 7, peer: "u7", muted_until: 1 },
  ];
  const { client, answer } = await connected({ rooms });
  const lines = ["g4fKz81QwXe2 1041 986 1038 2 1 3 0", "d7Qw2nB5cYtL 7 5 7 0 0 1 1"];
  const hashes = lines.map((line) => BigInt(`0x${createHash("sha256").update(line).digest("hex").slice(0, 12)}`));
  const digest = Number(hashes.reduce((all, one) => all + one, 0n) % 2n ** 48n);
  assert.equal(await digestOf(client.rooms.values()), digest);
  const hasher = {
    digest: async (_: unknown, text: BufferSource) => new Uint8Array(createHash("sha256").update(text as Uint8Array).digest()).buffer,
  };
  const right = verify(client, hasher);
  assert.deepEqual(await answer("verify", { equal: true }), { type: "verify", rooms: 2, digest });
  assert.equal(await right, true);
  const wrong = verify(client, hasher);
  // Something may have been on its way: it asks once more.
  await answer("verify", { equal: false });
  await answer("verify", { equal: false });
  assert.equal((await answer("sync", { rooms: rooms.slice(0, 1), full: true, cursor: "d" })).cursor, undefined);
  assert.equal(await wrong, false);
  assert.deepEqual([...client.rooms.keys()], ["g4fKz81QwXe2"]);
  await client.close();
});

test("a hidden room comes back with its next message that counts", async () => {
  const rooms = [{ room: "g", seq: 3, ordinal: 3, members: 4, hidden: true }];
  const { client, socket } = await connected({ rooms });
  const states = [];
  for (const [seq, ordinal] of [[3, 3], [4, 3], [5, 4]]) {
    socket.push({ type: "head", rooms: [{ room: "g", seq, ordinal }] });
    await settled();
    states.push(client.room("g").summary.hidden);
  }
  assert.deepEqual(states, [true, true, false]);
  await client.close();
});

test("messages are shown for the time that their room keeps them, and those from before that", () => {
  const shown = (policy: { retain_s?: number } | undefined, kept?: number): number[] => {
    const messages = [1, 2, 3].map((seq) => ({ seq, time: 1000 * seq }));
    return messages.filter((message) => isRetained({ ...(policy && { policy }), ...(kept && { kept }) }, message, 62_500)).map(({ seq }) => seq);
  };
  assert.deepEqual([shown({ retain_s: 60 }, 1), shown({ retain_s: 60 }), shown({ retain_s: 0 }), shown(undefined)], [[1, 3], [3], [1, 2, 3], [1, 2, 3]]);
});
