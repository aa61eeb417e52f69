/** Uploads through a network that breaks off at every place, messages with files across restarts, links, and the pure parts. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { IDBFactory, IDBKeyRange } from "fake-indexeddb";

import { SystemEnv } from "../src/env.js";
import {
  BrowserMediaStore, FileGone, Links, Media, MemoryMediaStore, NativeMediaStore, peaksOf, thumbHashPixels, thumbHashUrl, UploadRefused, waveformOf,
  type MediaStore, type NewFile, type OutgoingChange,
} from "../src/media.js";
import { TusServer } from "./tus_server.js";

const OFFER = { url: "https://files.example", file_bytes: 1e9, voice_ms: 300_000 };

/** The clock runs as fast as it can. */
class QuickEnv extends SystemEnv {
  constructor() {
    super(class {} as never);
  }

  override callLater(_delayS: number, action: () => void) {
    const timer = setImmediate(action);
    return { cancel: () => clearImmediate(timer) };
  }
}

class Outbox {
  readonly media = OFFER;
  readonly outbox: { key: string }[] = [];
  readonly posted = new Map<string, unknown>();
  full = 0;

  room(room: string) {
    return {
      post: async (body: object, { key }: { key: string }) => {
        if (this.full-- > 0) throw new Error("full");
        assert(!this.posted.has(key), "sent twice");
        this.posted.set(key, { room, ...body });
        return key;
      },
    };
  }
}

interface World {
  readonly server: TusServer;
  readonly outbox: Outbox;
  readonly media: Media;
  readonly changes: OutgoingChange[];
  until(kind: OutgoingChange["kind"] | (() => boolean)): Promise<void>;
}

function world(store: MediaStore = new MemoryMediaStore(), server = new TusServer(), outbox = new Outbox()): World {
  const options = { token: () => server.token, store, transport: server.transport, env: new QuickEnv() };
  const media = new Media(outbox as never, options);
  const changes: OutgoingChange[] = [];
  media.on((change) => void changes.push(change));
  const until = async (wanted: OutgoingChange["kind"] | (() => boolean)) => {
    const isThere = typeof wanted === "string" ? () => changes.some(({ kind }) => kind === wanted) : wanted;
    for (let turn = 0; turn < 10_000 && !isThere(); turn++) await new Promise((resolve) => setImmediate(resolve));
    assert(isThere(), `never: ${wanted}`);
  };
  return { server, outbox, media, changes, until };
}

const content = (size: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: size }, (_, at) => (at * 7) & 255);
const file = (size: number, more: Partial<NewFile> = {}): NewFile => {
  return { blob: new Blob([content(size)], { type: "image/png" }), kind: "picture", name: "ä.png", ...more };
};

test("a message goes out once its files are there, with what the device knows of them", async () => {
  const { server, outbox, media, until } = world();
  const key = await media.post("g1", { text: "Look" }, [file(1000, { alt: "A ferry", width: 40, height: 30 }), file(0)]);
  await until("posted");
  const [first, second] = [...server.files.values()];
  assert.deepEqual(first!.bytes, content(1000));
  assert.deepEqual(first!.metadata.filename, "ä.png");
  assert.equal(first!.metadata.purpose, "message");
  assert.deepEqual(outbox.posted.get(key), {
    room: "g1",
    text: "Look",
    attachments: [
      { url: `media:${first!.id}`, mime: "image/png", name: "ä.png", alt: "A ferry", width: 40, height: 30 },
      { url: `media:${second!.id}`, mime: "image/png", name: "ä.png" },
    ],
  });
  assert.deepEqual(media.outgoing, []);
});

test("an upload goes on at the byte where it broke, whatever request breaks", async () => {
  const size = 50;
  for (let broken = 0; broken < 8; broken++) {
    for (const cut of [0, 1, 17, size]) {
      const { server, media, until } = world();
      server.inspections = 2;
      let count = 0;
      server.fault = () => (count++ === broken ? { cut } : undefined);
      await media.post("g1", {}, [file(size)]);
      await until("posted");
      assert.deepEqual([...server.files.values()].map(({ bytes }) => bytes), [content(size)]);
    }
  }
});

test("what is only for now is waited out, and a new token is asked for", async () => {
  const { server, media, until } = world();
  const faults = [{ status: 503, body: { code: "unavailable", retry_after: 10 } }, { status: 429 }, { status: 409 }, { status: 401 }, { status: 460 }];
  let count = 0;
  server.fault = () => faults[count++];
  await media.post("g1", {}, [file(10)]);
  server.token = "better";
  await until("posted");
  assert(count > faults.length);
});

test("a restart of the page goes on under the same keys, and sends nothing twice", async () => {
  for (let asked = 1; asked < 5; asked++) {
    const store = new MemoryMediaStore();
    const [server, outbox] = [new TusServer(), new Outbox()];
    const before = world(store, server, outbox);
    // It takes a part, and then gives no answer any more until the next page.
    server.fault = () => (server.asked.length > asked ? { cut: 3 } : undefined);
    const key = await before.media.post("g1", { text: "Hi" }, [file(20)]);
    await before.until(() => server.asked.length > asked || outbox.posted.size > 0);
    before.media.close();
    server.fault = () => undefined;
    const after = world(store, server, outbox);
    await after.media.start();
    await after.until(() => outbox.posted.has(key));
    assert.deepEqual([...server.files.values()].map(({ bytes }) => bytes), [content(20)]);
  }
});

test("an app goes on after its end with the files that it kept, and drops what it did not", async () => {
  const rows = new Map<string, string>();
  const items = {
    getAllKeys: async () => [...rows.keys(), "of the app"],
    multiGet: async (keys: readonly string[]) => keys.map((key) => [key, rows.get(key) ?? null] as const),
    multiSet: async (pairs: [string, string][]) => pairs.forEach(([key, value]) => rows.set(key, value)),
    multiRemove: async (keys: string[]) => keys.forEach((key) => rows.delete(key)),
  };
  const kept = new Map([["file:///a", new Blob([content(20)], { type: "image/png" })]]);
  const open = async (uri: string) => {
    if (!kept.has(uri)) throw new Error("no file");
    return kept.get(uri)!;
  };
  const [server, outbox] = [new TusServer(), new Outbox()];
  server.fault = () => ({ status: 503 });
  const before = world(new NativeMediaStore(items, open), server, outbox);
  const key = await before.media.post("g1", { text: "Hi" }, [file(20, { uri: "file:///a" })]);
  await before.media.post("g1", {}, [file(20, { uri: "file:///gone" })]);
  await before.media.post("g1", {}, [file(20)]);
  assert.equal(rows.size, 2);
  before.media.close();
  server.fault = () => undefined;
  const after = world(new NativeMediaStore(items, open), server, outbox);
  await after.media.start();
  await after.until("posted");
  assert.deepEqual([...outbox.posted.keys()], [key]);
  assert.deepEqual([...server.files.values()].map(({ bytes }) => bytes), [content(20)]);
  await after.until(() => rows.size === 0);
});

test("a refused file fails its message, which can be sent as files, or be forgotten", async () => {
  const { server, outbox, media, until } = world();
  server.fault = ({ method, headers }) => {
    const isPicture = headers["Upload-Metadata"]?.includes(`kind ${btoa("picture")}`);
    return method === "POST" && isPicture ? { status: 415, body: { code: "not_supported" } } : undefined;
  };
  const key = await media.post("g1", {}, [file(10)]);
  await until(() => media.get(key)?.state === "failed");
  assert.equal(media.get(key)!.failed!.code, "not_supported");
  await media.sendAsFiles(key);
  await until(() => outbox.posted.has(key));
  server.fault = () => ({ status: 413, body: { code: "quota", scope: "user" } });
  const other = await media.post("g1", {}, [file(10), file(20)]);
  await until(() => media.get(other)?.failed?.scope === "user");
  await media.discard(other);
  await until("gone");
  assert.deepEqual(media.outgoing, []);
  await assert.rejects(media.upload(new Blob(["x"]), { purpose: "avatar" }), UploadRefused);
});

test("a paused message waits, and goes on where it was", async () => {
  const { server, outbox, media, until } = world();
  server.fault = ({ method }) => (method === "PATCH" ? { cut: 1 } : undefined);
  const key = await media.post("g1", {}, [file(1000)]);
  await until(() => (media.get(key)?.sent.values().next().value ?? 0) > 3);
  await media.pause(key);
  await until(() => media.get(key)?.state === "paused");
  const asked = server.asked.length;
  server.fault = () => undefined;
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert(server.asked.length <= asked + 1);
  await media.resume(key);
  await until(() => outbox.posted.has(key));
  assert.deepEqual([...server.files.values()].map(({ bytes }) => bytes), [content(1000)]);
});

test("an upload that the server gave up begins anew", async () => {
  const { server, media, until } = world();
  server.fault = ({ method }) => {
    if (method !== "PATCH" || server.asked.filter((one) => one === "PATCH").length > 1) return undefined;
    server.files.clear();
    return { cut: 1 };
  };
  await media.post("g1", {}, [file(10)]);
  await until("posted");
});

test("a full outbox is waited for", async () => {
  const { outbox, media, until } = world();
  outbox.full = 2;
  await media.post("g1", {}, [file(1)]);
  await until("posted");
});

test("links are asked for together, serve until they end, and say what is gone", async () => {
  let now = 0;
  const asked: { file: string; size?: string }[][] = [];
  const call = async ({ places }: { places: { file: string; size?: string }[] }) => {
    asked.push(places);
    return { links: places.filter(({ file }) => file !== "gone").map((place) => ({ ...place, url: `u${asked.length}`, expires_at: now + 900_000 })) };
  };
  const links = new Links({ call } as never, () => now);
  const place = (file: string, size?: "m") => ({ room: "g1", seq: 7, file, ...(size && { size }) });
  const [one, medium] = await Promise.all([links.url(place("a")), links.url(place("a", "m")), links.url(place("a"))]);
  assert.deepEqual([one, medium, asked.length, asked[0]!.length], ["u1", "u1", 1, 2]);
  assert.equal(links.peek(place("a")), "u1");
  await assert.rejects(links.url(place("gone")), FileGone);
  now = 850_000;
  assert.equal(links.peek(place("a")), undefined);
  assert.equal(await links.url(place("a")), "u3");
  links.drop(place("a"));
  assert.equal(await links.url(place("a")), "u4");
});

test("a waveform has 64 digits, the loudest of each part", () => {
  assert.equal(waveformOf([]), "0".repeat(64));
  assert.equal(waveformOf([0.5]), "v".repeat(64));
  const text = waveformOf(Array.from({ length: 640 }, (_, at) => at / 640));
  assert.match(text, /^[0-9a-v]{64}$/);
  assert.deepEqual(peaksOf(text), [...peaksOf(text)].sort((one, other) => one - other));
  assert.equal(peaksOf(undefined).length, 64);
});

test("a ThumbHash becomes the picture that its reference draws", () => {
  // Hash and average colour as the reference implementation gives them (thumbhash 1.0.0).
  const { width, height, rgba } = thumbHashPixels(Uint8Array.from(Buffer.from("1QcSHQRnh493V4dIh4eXh1h4kJUI", "base64")));
  assert.deepEqual([width, height], [23, 32]);
  const mean = [0, 1, 2, 3].map((channel) => {
    return rgba.filter((_, at) => at % 4 === channel).reduce((sum, value) => sum + value, 0) / (width * height);
  });
  assert.deepEqual(mean.map(Math.round)[3], 255);
  assert.match(thumbHashUrl("1QcSHQRnh493V4dIh4eXh1h4kJUI"), /^data:image\/png;base64,iVBOR/);
  assert.equal(thumbHashUrl("AA=="), "");
  assert.equal(thumbHashUrl("no hash"), "");
});

test("what one page discards does not come back by another, which is about to change it", async () => {
  Object.assign(globalThis, { indexedDB: new IDBFactory(), IDBKeyRange });
  const [one, other] = [new BrowserMediaStore("u42"), new BrowserMediaStore("u42")];
  try {
    const sent = { ...file(10), key: "f1", name: "a", mime: "image/png" };
    const record = { key: "k1", room: "g1", body: {}, composed_at: 1, files: [sent] };
    await one.put(record);
    await one.put({ ...record, paused: true });
    assert.deepEqual((await other.load()).map(({ paused }) => paused), [true]);
    await other.remove("k1");
    await one.put(record);
    assert.deepEqual(await one.load(), []);
  } finally {
    for (const store of [one, other]) store["_channel"].close();
  }
});
