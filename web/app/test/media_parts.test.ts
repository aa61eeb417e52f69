/** Albums, boxes and words of files. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attachment } from "@chatd/client";
import { albumRows, boxOf, clock, kindOf } from "../src/media/kinds.js";

const pictures = (count: number, width = 400, height = 300) => {
  return Array.from({ length: count }, (_, at) => ({ url: `media:${at}`, width, height }));
};

test("an album keeps its pictures in their order, in rows of at most four", () => {
  for (let count = 1; count <= 10; count++) {
    const items = pictures(count);
    const rows = albumRows(items);
    assert.deepEqual(rows.flat().map(({ item }) => item), items);
    for (const row of rows) assert(row.length <= 4);
  }
  assert.deepEqual(albumRows(pictures(2, 800, 400)).map((row) => row.length), [1, 1]);
  assert.deepEqual(albumRows(pictures(2, 400, 800)).map((row) => row.length), [2]);
});

test("no picture of an album is a strip, whatever its size", () => {
  for (const [width, height] of [[1, 30_000], [30_000, 1], [0, 0], [500, 500]] as const) {
    for (const { shape } of albumRows(pictures(3, width, height)).flat()) assert(shape >= 0.6 && shape <= 1.9);
  }
});

test("a box keeps the shape of its picture where that can be pressed, and is never larger than the chat allows", () => {
  assert.deepEqual(boxOf({ width: 640, height: 480 }), { width: 320, height: 240 });
  assert.deepEqual(boxOf({ width: 300, height: 900 }), { width: 127, height: 380 });
  assert.deepEqual(boxOf({ width: 100, height: 100 }), { width: 100, height: 100 });
  assert.deepEqual(boxOf({ width: 5000, height: 10 }), { width: 320, height: 90 });
  assert.deepEqual(boxOf({}), { width: 280, height: 210 });
});

test("a file is what the server says, before that what its type says", () => {
  const of = (more: Partial<Attachment>) => kindOf({ url: "media:x", mime: "image/png", ...more });
  assert.equal(of({}), "picture");
  assert.equal(of({ kind: "file" }), "file");
  assert.equal(of({ mime: "video/mp4" }), "video");
  assert.equal(of({ mime: "audio/ogg", waveform: "v".repeat(64) }), "voice");
  assert.equal(of({ mime: "audio/ogg" }), "file");
  // A kind of a later version.
  assert.equal(of({ kind: "hologram" }), "file");
});

test("a length is told in minutes and seconds", () => {
  assert.deepEqual([0, 999, 61_000, 3_661_000].map(clock), ["0:00", "0:00", "1:01", "1:01:01"]);
});
