/** Notes that are spoken: who speaks, their bytes across breaks of the network, and the packets in them. */

import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import type { Change } from "../src/core/changes.js";
import { listen, LiveNotes, LiveOver, OggReader, type LiveNote } from "../src/live.js";

const NOTE: LiveNote = { room: "g1", user: "bob", file: "a-file" };

test("a note is spoken until it is over, or nothing more is heard of it", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let tell: (change: Change) => void = () => {};
  const told: [string, string][] = [];
  const client = { on: (listener: (change: Change) => void) => ((tell = listener), () => {}) };
  const notes = new LiveNotes(client, (_, { file }, state) => void told.push([file, state]));
  const say = (state: string, file = NOTE.file): void => tell({ kind: "voice", ...NOTE, file, state });
  say("live");
  context.mock.timers.tick(10_000);
  say("live");
  context.mock.timers.tick(10_000);
  assert.deepEqual(notes.inRoom("g1"), [NOTE]);
  assert.deepEqual(notes.inRoom("g2"), []);
  say("done");
  // It ended before this client heard of it.
  say("done", "an-old-one");
  say("live", "another");
  context.mock.timers.tick(12_000);
  say("live", "a-third");
  tell({ kind: "stateChanged", phase: "backoff", code: 1006, reason: "" });
  assert.deepEqual(notes.inRoom("g1"), []);
  const wanted = [["a-file", "live"], ["a-file", "done"], ["another", "live"], ["another", "cut"], ["a-third", "live"], ["a-third", "cut"]];
  assert.deepEqual(told, wanted);
});

/** A server that answers each request by the next of these. */
async function serving(context: TestContext, ...answers: ((response: ServerResponse) => void)[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    (answers.shift() ?? over)(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const over = (response: ServerResponse): void => void response.writeHead(410).end();
const status = (code: number) => (response: ServerResponse): void => void response.writeHead(code).end();
const whole = (...parts: string[]) => (response: ServerResponse): void => {
  for (const part of parts) response.write(part);
  response.end();
};
const broken = (part: string) => (response: ServerResponse): void => void response.write(part, () => response.destroy());

async function heard(url: string, from = 0): Promise<string> {
  let text = "";
  const options = { url, token: () => "a-token", signal: AbortSignal.timeout(20_000), from };
  for await (const part of listen(NOTE, options)) text += new TextDecoder().decode(part);
  return text;
}

test("a note is heard to its end, from the byte where it broke off", async (context) => {
  const { asked, url } = await serving(context, whole("ab", "c"), broken("de"), status(503), whole("f"), over);
  assert.equal(await heard(url), "abcdef");
  const offsets = [0, 3, 5, 5, 6];
  assert.deepEqual(asked, offsets.map((at) => `/v1/media/live/g1/a-file?from=${at} Bearer a-token`));
});

test("what is over already is silence, and what is not there is told", async (context) => {
  const { url } = await serving(context, over, status(404), whole("a"), status(404));
  assert.equal(await heard(url), "");
  await assert.rejects(heard(url), (error) => error instanceof LiveOver && error.status === 404);
  // They were put out of the room meanwhile.
  assert.equal(await heard(url), "a");
});

/** Return a page with these lengths of segments. */
function page(...lacing: number[]): Uint8Array {
  const body = lacing.flatMap((length, number) => Array.from({ length }, () => number + 1));
  const head = [..."OggS"].map((letter) => letter.charCodeAt(0));
  return Uint8Array.from([...head, ...new Array(22).fill(0), lacing.length, ...lacing, ...body]);
}

test("packets come whole, wherever the bytes are cut", () => {
  const bytes = Uint8Array.from([...page(19), ...page(3, 0, 255), ...page(2, 4)]);
  for (let size = 1; size <= bytes.length; size += 7) {
    const reader = new OggReader();
    const lengths: number[] = [];
    for (let at = 0; at < bytes.length; at += size) lengths.push(...reader.feed(bytes.subarray(at, at + size)).map(({ length }) => length));
    assert.deepEqual(lengths, [19, 3, 0, 257, 4]);
  }
  assert.throws(() => new OggReader().feed(new Uint8Array(40)));
});
