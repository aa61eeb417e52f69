/** The bytes: every vector and negative frame of protocol.md, and random packets there and back. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BadFrame, sendable } from "../src/core/codec.js";
import { decode, encode } from "../src/core/msgpack.js";
import { json } from "../src/json.js";
import { msgpack } from "../src/msgpack.js";
import { chance } from "./kit.js";
import { randomPacket } from "./random_packets.js";
import { negative, vectors } from "./vectors.json";

type Vector = (typeof vectors)[number];

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** Return the MessagePack inside a vector, out of its WebSocket frame. */
function payloadOf({ form, hex }: Vector): Uint8Array<ArrayBuffer> {
  const frame = bytesOf(hex);
  if (form === "server frame") return frame.slice(frame[1] === 126 ? 4 : 2);
  if (form === "client frame") return frame.slice(6).map((byte, at) => byte ^ frame[2 + (at % 4)]!);
  return frame;
}

for (const vector of vectors) {
  test(`${vector.name} ${vector.title}`, async () => {
    const stated = JSON.parse(vector.json, (_, value) => bytesIn(value));
    const payload = payloadOf(vector);
    assert.deepEqual(await msgpack.decode(payload), [stated].flat());
    assert.deepEqual(await json.decode(vector.json), [stated].flat());
    if (vector.form !== "wrapper") assert.equal(Buffer.from(encode(stated)).toString("hex"), Buffer.from(payload).toString("hex"));
  });
}

function bytesIn(value: any): unknown {
  return typeof value?.$bytes === "string" ? new Uint8Array(Buffer.from(value.$bytes, "base64url")) : value;
}

test("frames that are none are refused, and the other ones of the server's list are read", () => {
  // A server refuses what it says itself, and reads on where only a text is broken.
  const others = ["N04", "N14"]; // A wrapper, and a `pong` that is no hello.
  const unreadable = ["N17", "N27", "N30", "N42", "N43"];
  for (const { name, on, as, hex, outcome } of negative) {
    const bytes = bytesOf(hex);
    const codec = on === "json" ? json : msgpack;
    const frame = as === "binary" ? bytes : bytes.toString();
    const text = as === "binary" ? frame : Buffer.from(bytes).toString();
    const isRefused = !others.includes(name) && (outcome.startsWith("close") || unreadable.includes(name));
    const read = () => codec.decode(text);
    if (name === "N30") continue; // The WebSocket of the platform refuses it.
    if (isRefused) assert.throws(read, BadFrame, name);
    else if (name !== "N04") assert.doesNotThrow(read, name);
  }
});

test("random packets come back as they were, in both encodings", () => {
  const random = chance(7);
  for (let round = 0; round < 2000; round++) {
    const packet = randomPacket(random);
    assert.deepEqual(msgpack.decode(msgpack.encode(packet)), [packet]);
    assert.deepEqual(json.decode(json.encode(packet)), [packet]);
  }
});

test("what no server takes does not get into an outbox, and half a character becomes a whole one", () => {
  for (const wrong of [NaN, Infinity, 2 ** 53, 1n, () => 1, Symbol()]) {
    assert.throws(() => sendable({ data: [wrong] }), TypeError);
  }
  let deep: unknown = 1;
  for (let level = 0; level < 16; level++) deep = [deep];
  assert.throws(() => sendable({ deep }), TypeError);
  assert.deepEqual(sendable({ text: "ok? \ud83d", left: undefined }), { text: "ok? \ufffd" });
  const named = decode(encode(JSON.parse('{"__proto__":{"x":1}}'))) as object;
  assert.equal((named as { x?: number }).x, undefined);
});

test("a frame that would be too big, inflated, or is not whole, is refused", async () => {
  const { deflateRawSync } = await import("node:zlib");
  const wrapped = (data: Uint8Array) => Uint8Array.from([0xc8, data.length >> 8, data.length & 255, 1, ...data]);
  const bomb = deflateRawSync(encode({ type: "ok", filler: "x".repeat(1 << 20) }));
  const page = deflateRawSync(encode({ type: "ok", filler: "x".repeat(1 << 18) }));
  await assert.rejects(async () => msgpack.decode(wrapped(bomb)), BadFrame);
  await assert.rejects(async () => msgpack.decode(wrapped(page.subarray(0, -3))), BadFrame);
  assert.equal((await msgpack.decode(wrapped(page)))[0]!.filler.length, 1 << 18);
});
