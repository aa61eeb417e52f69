/** Groups and drafts: the parts that need no browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import decodeQR from "qr/decode.js";
import { fromBody, toBody } from "../src/composer/draft_bodies.js";
import { tagsIn } from "../src/groups/tags.js";
import { durationText, waitText } from "../src/groups/durations.js";
import { codePath } from "../src/groups/code_path.js";

/** Draw a path of rectangles, as `codePath` makes them, as pixels. */
function drawn(path: string, size: number, scale = 4) {
  const side = size * scale;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row++) {
      for (let column = Number(x) * scale; column < (Number(x) + Number(width)) * scale; column++) {
        data.fill(0, (row * side + column) * 4, (row * side + column) * 4 + 3);
      }
    }
  }
  return { width: side, height: side, data };
}

test("a code says the address that it was made of", () => {
  const invite = "q0Lr5Tz8XbN2mVcK7wYs1A";
  for (const text of [invite, `https://chat.example/#/invite/${invite}`, `https://例.example/${"a".repeat(120)}/${invite}`]) {
    const { path, size } = codePath(text);
    assert.equal(decodeQR(drawn(path, size)), text);
  }
});

test("a draft comes back from the account with its mentions where they were", () => {
  const draft = { text: "👋 @Bob Miller, @林小雨 and @everybody", mentions: { "@Bob Miller": "bob", "@林小雨": "lin", "@everybody": "*" }, reply_to: 7 };
  const body = toBody({ ...draft, mentions: { ...draft.mentions, "@Eve": "eve" } });
  assert.deepEqual(body.spans, [{ at: 2, length: 11, user: "bob" }, { at: 15, length: 4, user: "lin" }]);
  assert.deepEqual([...body.mentions!].sort(), ["*", "bob", "lin"]);
  const mentionOf = (user: string) => (user === "*" ? "@everybody" : `@${user}`);
  assert.deepEqual(fromBody(body, mentionOf), draft);
  assert.deepEqual(fromBody(toBody({ text: "Plain" }), mentionOf), { text: "Plain" });
  assert.deepEqual(fromBody(undefined, mentionOf), { text: "" });
});

test("tags are words, however they are divided", () => {
  assert.deepEqual(tagsIn("#bikes, sunday、骑行  bikes\n#"), ["bikes", "sunday", "骑行"]);
  assert.deepEqual(tagsIn("a b c d e f").length, 5);
  assert.equal([...tagsIn("骑".repeat(40))[0]!].length, 24);
});

test("times are said in the largest unit that is whole", () => {
  // Node 20 has none.
  (globalThis as { navigator?: unknown }).navigator ??= { languages: ["en"] };
  assert.deepEqual([30, 60, 90, 86_400, 7 * 86_400, 365 * 86_400].map(durationText), ["30 seconds", "1 minute", "90 seconds", "1 day", "1 week", "1 year"]);
  assert.deepEqual([12, 65, 3600 + 62].map(waitText), ["12 sec", "1:05", "1:01:02"]);
});
