/** Where a search marks a text: the words of the server's own rule. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { marksOf } from "../src/search.js";

const CASES: [text: string, query: string, ...marked: string[]][] = [
  ["wonderful, a big Wonder", "wond", "wond", "Wond"],
  ["he wandered", "wond"],
  ["ok? okay", "ok", "ok"],
  ["今天天气很好", "天气", "天气"],
  ["今天天气很好", "天", "天天"],
  ["新买的iPhone手机", "iphone 手机", "iPhone手机"],
  ["Café und ＣＡＦＥ", "cafe", "Café", "ＣＡＦＥ"],
  ["Die Straße", "STRASSE", "Straße"],
  ["well done 👍🏽!", "👍", "👍🏽"],
  ["한국어를 배워요", "국어", "국어"],
  ["हिन्दी में", "हिन्दी", "हिन्दी"],
  ["cafe\u0301 au lait", "café lait", "cafe\u0301", "lait"],
  ["nothing", "!?"],
];

test("the words of a search are marked where the server finds them", () => {
  for (const [text, query, ...marked] of CASES) {
    assert.deepEqual(marksOf(text, query).map(([from, to]) => text.slice(from, to)), marked, text);
  }
});
