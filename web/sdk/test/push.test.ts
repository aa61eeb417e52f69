/** Push notifications: registering, what the user chose, what arrives sealed, and which rooms alert. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import type { Packet } from "../src/core/packets.js";
import { msgpack } from "../src/msgpack.js";
import { badgeOf, Client, levelOf, type Asking, type Levels } from "../src/people.js";
import {
  makeKeys, notificationFrom, openSealed, pushDecisions, pushPreferencesOf, receivedNotification,
  register, setPushPreferences, subscribe, testPush, unregister, unsubscribe,
} from "../src/push.js";
import { bytesOf, unseal } from "../src/sealing.js";
import { base64url } from "../src/env.js";
import { settled, StillEnv, welcome } from "./kit.js";
import { attention } from "./vectors.json";

const VAPID = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

async function connected(reply: Packet = {}) {
  const env = new StillEnv();
  const client = new Client({ url: "ws://x", token: () => "t", codec: msgpack, env });
  await client.start();
  const socket = await env.accept(1);
  const hello = await welcome(socket, { features: ["push"], sync: { rooms: [], cursor: "c" }, ...reply });
  /** Answer the next request of a type with these keys, and return the request without its id. */
  const answer = async (type: string, keys: Packet = {}) => {
    const { id, ...asked } = await socket.take(type);
    socket.push({ type: "ok", id, ...keys });
    return asked;
  };
  return { client, socket, hello, answer };
}

test("it asks for push, and says what the server offers, also when that is nothing", async () => {
  const push = { platforms: ["web", "fcm"], vapid: VAPID, registered: true };
  const { client, hello } = await connected({ push });
  assert.ok(hello.features.includes("push"));
  assert.deepEqual(client.push, push);
  await client.close();
  const without = await connected();
  assert.equal(without.client.push, undefined);
  await without.client.close();
});

test("a device registers with its keys, and takes its address back", async () => {
  const { client, answer } = await connected();
  const keys = { p256dh: VAPID, auth: "BTBZMqHH6r4Tts7J_aSIgg", privateKey: "never sent" };
  const registered = register(client, { platform: "fcm", token: "dGVzdA", app: "com.example.app", keys });
  assert.deepEqual(await answer("devices.push"), {
    type: "devices.push", platform: "fcm", token: "dGVzdA", app: "com.example.app", p256dh: keys.p256dh, auth: keys.auth,
  });
  await registered;
  const gone = unregister(client, { platform: "fcm", app: "com.example.app" });
  const asked = { type: "devices.push", platform: "fcm", token: "", app: "com.example.app" };
  assert.deepEqual(await answer("devices.push"), asked);
  await gone;
  await client.close();
});

/** A browser's push manager with at most one subscription. */
class PushManager {
  made = 0;
  current: { vapid: string; endpoint: string } | null = null;

  async getSubscription() {
    const { current } = this;
    return current && {
      endpoint: current.endpoint,
      options: { applicationServerKey: bytesOf(current.vapid).buffer },
      getKey: (name: string) => Uint8Array.of(...(name === "auth" ? [1, 2, 3] : [4, 5, 6])).buffer,
      unsubscribe: async () => ((this.current = null), true),
    };
  }

  async subscribe({ applicationServerKey }: { applicationServerKey: Uint8Array }) {
    this.current = { vapid: base64url(applicationServerKey), endpoint: `https://push.example/${++this.made}` };
    return this.getSubscription();
  }
}

test("a browser subscribes once, anew for another key of the server, and ends it", async () => {
  const { client, answer } = await connected({ push: { platforms: ["web"], vapid: VAPID } });
  const pushManager = new PushManager();
  const registration = { pushManager } as unknown as ServiceWorkerRegistration;
  for (const [other, endpoint] of [["", 1], ["", 1], [VAPID.replace("BC", "BD"), 2]] as const) {
    if (other) pushManager.current!.vapid = other;
    const subscribed = subscribe(client, registration);
    const { type: _, ...asked } = await answer("devices.push");
    const token = `https://push.example/${endpoint}`;
    assert.deepEqual(asked, { platform: "web", token, p256dh: "BAUG", auth: "AQID" });
    assert.equal(await subscribed, true);
  }
  const ended = unsubscribe(client, registration);
  assert.equal((await answer("devices.push")).token, "");
  await ended;
  assert.equal(pushManager.current, null);
  await client.close();
  const none = await connected({ push: { platforms: ["fcm"] } });
  assert.equal(await subscribe(none.client, registration), false);
  assert.equal(pushManager.current, null);
  await none.client.close();
});

test("what the user chose has its defaults; a change keeps the rest", async () => {
  const { client, answer, socket } = await connected();
  assert.deepEqual([pushPreferencesOf(client).groups, pushPreferencesOf(client).mute_mentions], ["all", true]);
  const quiet = [{ from: "22:00", to: "07:00", days: [1, 2] }];
  const value = { receipts: true, push: { groups: "mentions", quiet, timezone: "Asia/Shanghai" } };
  socket.push({ type: "account", sections: { account: [{ name: "preferences", stamp: 5, value }] } });
  await settled();
  assert.equal(pushPreferencesOf(client).groups, "mentions");
  const changed = setPushPreferences(client, { reactions: true });
  const { push } = await answer("preferences");
  await changed;
  const { groups, reactions, timezone, messages } = push as Record<string, unknown>;
  assert.deepEqual([groups, reactions, timezone, messages], ["mentions", true, "Asia/Shanghai", "all"]);
  assert.deepEqual((push as { quiet: unknown }).quiet, quiet);
  await client.close();
});

test("one asks why, and for a test", async () => {
  const { client, answer } = await connected();
  const decisions = [{ time: 1, device: "d", room: "g", seq: 7, kind: "message", outcome: "muted" }];
  const asked = pushDecisions(client, { room: "g", seq: 7 });
  assert.deepEqual(await answer("push.decisions", { decisions }), { type: "push.decisions", room: "g", seq: 7 });
  assert.deepEqual(await asked, decisions);
  const tested = testPush(client);
  await answer("push.test", { outcome: "sent" });
  assert.equal((await tested).outcome, "sent");
  await client.close();
});

test("the example of RFC 8291, section 5, opens; damaged or for other keys it does not", async () => {
  const keys = {
    p256dh: VAPID,
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
    privateKey: "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
  };
  const sealed = bytesOf(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y" +
      "l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
  );
  const { subtle } = globalThis.crypto;
  assert.equal(Buffer.from((await unseal(sealed, keys, subtle))!).toString(), "When I grow up, I want to be a watermelon");
  assert.equal(await openSealed(sealed, keys), undefined, "no notification");
  for (const at of [0, 20, 30, sealed.length - 1]) {
    const damaged = sealed.map((byte, index) => (index === at ? byte ^ 1 : byte));
    assert.equal(await openSealed(damaged, keys), undefined);
  }
  for (const length of [0, 20, 86, 102, 103]) assert.equal(await openSealed(sealed.subarray(0, length), keys), undefined);
  assert.equal(await openSealed(sealed, await makeKeys()), undefined);
  assert.equal(await openSealed("no base64url?", keys), undefined);
});

test("what came for an app is opened, or is what the push service saw", async () => {
  const keys = {
    p256dh: "BAzVoiC4YSYZpDTsCk02ysdSGU2jhRoJtu_QPuf5XVtti_1wldEQLieOdqvkrFHvTbpqzCktouPxDdww-5fu-sw",
    auth: "qTkcJJECfwmiYs7zGpq6KQ",
    privateKey: "wpq1jkVoNL_gHrvHCHH00TxqMudU-0nPX054TWgVQJg",
  };
  const sealed =
    "dxGpuxu_I3EQjCmb1XOPjgAAEABBBDiQDHClAofmVBz1M6ze15530xgDM3y3tUfAV3Qy0wIA5o4N1toeezAizNsnaI3M9YbW8w0axZ-rAdpHe7JlH3x8" +
    "pn8WotS2g_Cp6Uc01sfWyGrIggJlOEqg2zOyANVSVi5tsdKaOGEV03VgrhRRYAwRQud2S92OuMDxzURL0Kt7GtfIV25rQmm8da-2ixxH4eGQjhGFZxTo" +
    "kef_TMoDEvpjI-s2s7gP9UjxwZ2s0WQnB0zMmxI";
  const outer = { v: "1", kind: "message", tag: "t", badge: "3", sealed };
  const opened = { kind: "message", tag: "t", name: "小明", text: "你好 👋" };
  assert.deepEqual(await receivedNotification(outer, keys), opened);
  const seen = { kind: "message", tag: "t", badge: 3 };
  assert.deepEqual(await receivedNotification(outer, await makeKeys()), seen);
  assert.deepEqual(await receivedNotification(outer, undefined), seen);
  assert.equal(await receivedNotification({ aps: {} }, keys), undefined);
});

test("keys that were made have the form the server asks for, and are never the same", async () => {
  const [one, other] = [await makeKeys(), await makeKeys()];
  for (const { p256dh, auth, privateKey } of [one, other]) {
    assert.deepEqual([bytesOf(p256dh).length, bytesOf(auth).length, bytesOf(privateKey).length], [65, 16, 32]);
  }
  assert.notEqual(one.auth, other.auth);
  assert.equal(base64url(bytesOf("AQIDBA==")), base64url(Uint8Array.of(1, 2, 3, 4)));
});

test("a notification is read from JSON and from texts; what is none is none", () => {
  const given = { v: 1, kind: "message", tag: "t", room: "g", seq: 7, name: "Bob", quiet: true, new_key: 1 };
  const read = { kind: "message", tag: "t", room: "g", seq: 7, name: "Bob", quiet: true };
  assert.deepEqual(notificationFrom(given), read);
  assert.deepEqual(notificationFrom(JSON.stringify(given)), read);
  assert.deepEqual(notificationFrom({ ...given, seq: "7", quiet: "true" }), read);
  assert.equal(notificationFrom({ kind: "party", tag: "t" })?.kind, "other");
  for (const none of ["", "no json", "[]", "null", null, undefined, 1, { kind: "message" }, { kind: 1, tag: "t" }]) {
    assert.equal(notificationFrom(none), undefined, JSON.stringify(none));
  }
  assert.deepEqual(notificationFrom({ kind: "read", tag: "t", seq: -1, text: 5 }), { kind: "read", tag: "t" });
});

test("a room counts on the icon as far as it alerts, by the examples of the protocol", () => {
  assert.ok(attention.length > 10);
  for (const { room, push, level, badge } of attention) {
    const asked = [room as Asking, push as Levels, 1_763_900_000_000] as const;
    assert.deepEqual([levelOf(...asked), badgeOf(...asked)], [level, badge], JSON.stringify([room, push]));
  }
  assert.equal(levelOf({ members: 3 }, {}, 0, 2), "mentions", "the limit is the operator's");
});

/** The events that a worker was given, and what came of them. */
async function exampleWorker(): Promise<{ give(type: string, event: object): Promise<void>; shown: unknown[] }> {
  const listeners = new Map<string, (event: object) => void>();
  const shown: unknown[] = [];
  const self = {
    addEventListener: (type: string, listener: (event: object) => void) => listeners.set(type, listener),
    registration: { showNotification: async (title: string, { body, tag, silent }: NotificationOptions) => shown.push([title, body, tag, silent]) },
    clients: { openWindow: async (path: string) => shown.push(path) },
  };
  const navigator = { setAppBadge: async (count: number) => shown.push(count) };
  new Function("self", "navigator", await readFile("sdk/example_worker.js", "utf8"))(self, navigator);
  const give = async (type: string, event: object) => {
    const work: Promise<unknown>[] = [];
    listeners.get(type)!({ ...event, waitUntil: (more: Promise<unknown>) => work.push(more) });
    await Promise.all(work);
  };
  return { give, shown };
}

test("the worker of the documents shows what there is", async () => {
  const { give, shown } = await exampleWorker();
  const push = (payload: object) => give("push", { data: { json: () => ({ v: 1, kind: "message", tag: "t", ...payload }) } });
  await push({ name: "Bob", text: "Hi", badge: 2 });
  await push({ name: "Bob", title: "Bike tour", text: "Map?", count: 3, quiet: true });
  await push({});
  await give("notificationclick", { notification: { data: "g1", close: () => shown.push("closed") } });
  assert.deepEqual(shown, [
    2, ["Bob", "Hi", "t", false],
    ["Bike tour", "3 new messages\nBob: Map?", "t", true],
    ["Example", "New message", "t", false],
    "closed", "/chat#g1",
  ]);
});
