/** What survives: the file of Node, and the store of an app on React Native. */

import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, readFile, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { IDBFactory, IDBKeyRange } from "fake-indexeddb";

import { Client } from "../src/client.js";
import { SystemEnv } from "../src/env.js";
import { IndexedDbStorage } from "../src/indexeddb.js";
import { native } from "../src/native.js";
import { FileStorage } from "../src/node.js";

async function place(): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), "chatd-")), "me.chat");
}

const ROW = { table: "outbox", key: "k1", value: { packet: { text: "👍", data: new Uint8Array([0, 255]) } } } as const;

test("a file keeps rows over a restart, and passes over a line that was never finished", async () => {
  const path = await place();
  const first = new FileStorage(path);
  await first.load();
  await first.write([ROW, { table: "rooms", key: "r1", value: 1 }], true);
  await first.write([{ table: "rooms", key: "r1" }], false);
  await first.close();
  await appendFile(path, '[{"table":"outbox","key":"k2","val');
  const second = new FileStorage(path);
  const tables = await second.load();
  assert.deepEqual([...tables.outbox!], [["k1", ROW.value]]);
  assert.equal(tables.rooms?.size ?? 0, 0);
  await second.close();
});

test("a file has one owner, and that of a process that is gone is taken", async () => {
  const path = await place();
  const first = new FileStorage(path);
  await first.load();
  await assert.rejects(new FileStorage(path).load(), /is open in process/);
  await first.close();
  await writeFile(`${path}.lock`, "4194303");
  const second = new FileStorage(path);
  await second.load();
  await second.close();
});

test("a file does not grow for ever", async () => {
  const path = await place();
  const storage = new FileStorage(path);
  await storage.load();
  for (let round = 0; round < 9000; round++) void storage.write([{ table: "rooms", key: "r1", value: round }], false);
  await storage.write([ROW], true);
  await storage.close();
  assert((await readFile(path, "utf8")).split("\n").length < 5000);
  const again = new FileStorage(path);
  assert.deepEqual([...(await again.load()).rooms!], [["r1", 8999]]);
  await again.close();
});

test("a file that cannot be written anew goes on as it is", async () => {
  const path = await place();
  const storage = new FileStorage(path);
  await storage.load();
  await mkdir(`${path}.new`);
  for (let round = 0; round < 4200; round++) void storage.write([{ table: "rooms", key: "r1", value: round }], false);
  await storage.write([ROW], true);
  await rmdir(`${path}.new`);
  await storage.write([{ table: "rooms", key: "r1", value: "last" }], true);
  await storage.close();
  const again = new FileStorage(path);
  const tables = await again.load();
  assert.deepEqual([[...tables.outbox!.keys()], tables.rooms!.get("r1")], [["k1"], "last"]);
  await again.close();
});

test("an app that ends between two steps of its store keeps a message or its draft, and no cursor is ahead", async () => {
  for (let steps = 0; steps < 4; steps++) {
    const items = new Map([['chatd:["drafts","r1"]', '"typed"'], ['chatd:["rooms","r2"]', "{}"], ['chatd:["account","cursor"]', '"1"']]);
    let left = steps;
    const step = async (act: () => void) => {
      if (left-- <= 0) throw new Error("the app has ended");
      act();
    };
    const store = {
      getAllKeys: async () => [...items.keys()],
      multiGet: async (keys: readonly string[]) => keys.map((key) => [key, items.get(key) ?? null] as const),
      multiSet: (pairs: [string, string][]) => step(() => pairs.forEach(([key, value]) => items.set(key, value))),
      multiRemove: (keys: string[]) => step(() => keys.forEach((key) => items.delete(key))),
    };
    Object.assign(globalThis, { WebSocket: class {} });
    const { storage } = native(store, { addEventListener: () => ({ remove: () => {} }) });
    await storage.load();
    const rows = [{ table: "drafts", key: "r1" }, ROW, { table: "rooms", key: "r2" }, { table: "account", key: "cursor", value: "2" }] as const;
    await storage.write(rows, true).catch(() => {});
    const has = (table: string, key: string) => items.has(`chatd:${JSON.stringify([table, key])}`);
    assert(has("drafts", "r1") || has("outbox", "k1"));
    assert(items.get('chatd:["account","cursor"]') === '"1"' || !has("rooms", "r2"));
    // What a step left over goes with the next.
    left = 9;
    await storage.write([{ table: "users", key: "u7", value: {} }], false);
    assert.deepEqual([has("outbox", "k1"), has("rooms", "r2"), items.get('chatd:["account","cursor"]')], [true, false, '"2"']);
  }
});

test("who led a database before writes nothing of the account any more, and its outbox as ever", async () => {
  Object.assign(globalThis, { IDBKeyRange });
  const factory = new IDBFactory();
  const [old, now] = [new IndexedDbStorage("u42", 100, factory), new IndexedDbStorage("u42", 100, factory)];
  await old.lead();
  await old.write([{ table: "rooms", key: "r1", value: "old" }], false);
  await now.lead();
  await now.write([{ table: "rooms", key: "r1", value: "new" }, { table: "messages", key: ["r1", 1], value: 1 }], false);
  await assert.rejects(old.write([{ table: "rooms", key: "r1", value: "old" }], false), /another tab leads/);
  await assert.rejects(old.write([{ table: "messages", key: ["r1"] }], false), /another tab leads/);
  await old.write([ROW], true);
  const tables = await now.load();
  assert.deepEqual([tables.rooms!.get("r1"), [...tables.outbox!.keys()], await now.messages("r1")], ["new", ["k1"], [1]]);
});

test("a database that answers late is waited for as long as nothing else is answered", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const asked: string[] = [];
  const slow = { databases: () => new Promise<never>(() => asked.push("databases")), open: () => ({}) };
  const storage = new IndexedDbStorage("u42", 100, slow as unknown as IDBFactory);
  let lost = "";
  storage.onLost = (reason) => (lost = reason);
  void storage.load();
  await new Promise((resolve) => setImmediate(resolve));
  context.mock.timers.tick(600_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([asked, lost, storage.keepsMessages], [["databases"], "", true]);
});

test("an app on React Native brings its store, and its state moves the client", async () => {
  const items = new Map<string, string>();
  const store = {
    getAllKeys: async () => [...items.keys()],
    multiGet: async (keys: readonly string[]) => keys.map((key) => [key, items.get(key) ?? null] as const),
    multiSet: async (pairs: [string, string][]) => pairs.forEach(([key, value]) => items.set(key, value)),
    multiRemove: async (keys: string[]) => keys.forEach((key) => items.delete(key)),
  };
  let hear = (_: string) => {};
  const state = {
    addEventListener: (_: "change", listener: (state: string) => void) => {
      hear = listener;
      return { remove: () => (hear = () => {}) };
    },
  };
  Object.assign(globalThis, { WebSocket: class {} });
  const first = native(store, state);
  await first.storage.write([{ table: "rooms", key: "r 1", value: { a: 1 } }, { table: "account", key: "cursor", value: "c" }], true);
  await first.storage.write([{ table: "account", key: "cursor" }], false);
  const tables = await native(store, state).storage.load();
  assert.deepEqual([...tables.rooms!], [["r 1", { a: 1 }]]);
  const told: string[] = [];
  const client = { resume: async () => told.push("resume"), suspend: async () => told.push("suspend") };
  const unfollow = first.follow(client as unknown as Client);
  hear("background");
  hear("active");
  unfollow();
  hear("background");
  assert.deepEqual(told, ["suspend", "resume"]);
});

test("without chance there is no client, and the error says what to import", () => {
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true });
  try {
    assert.throws(() => new SystemEnv(class {} as never), /react-native-get-random-values/);
  } finally {
    Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
  }
});
