/** What survives: the file of Node, and the store of an app on React Native. */

import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Client } from "../src/client.js";
import { SystemEnv } from "../src/env.js";
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
