/** The pure parts of the timeline: its window, its rows, its texts, and what counts as read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { folded, isEmojiOnly, piecesOf } from "../src/timeline/pieces.js";
import { Reading } from "../src/timeline/reading.js";
import { type Line, rowsOf } from "../src/timeline/rows.js";
import { EMPTY, opened, PAGE, type Stretch, WINDOW_MAX, withLive, withNewer, withOlder } from "../src/timeline/window.js";

interface Numbered {
  seq: number;
}

/** A generator of numbers below `bound`, the same in every run. */
function numbers(seed: number): (bound: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (bound) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % bound;
  };
}

/** A log in which every third number is no message, and the pages of it as a server gives them. */
class Log {
  head = 900;

  messages(low: number, high: number): Numbered[] {
    const found = [];
    for (let seq = Math.max(1, low); seq <= Math.min(high, this.head); seq++) if (seq % 3) found.push({ seq });
    return found;
  }

  before(seq: number): { messages: Numbered[]; low: number; high: number; end: boolean } {
    const messages = this.messages(1, seq - 1).slice(-PAGE);
    const end = messages.length < PAGE || messages[0]!.seq === 1;
    return { messages, low: end ? 1 : messages[0]!.seq, high: seq - 1, end };
  }

  after(seq: number): { messages: Numbered[]; low: number; high: number; end: boolean } {
    const messages = this.messages(seq + 1, this.head).slice(0, PAGE);
    return { messages, low: seq + 1, high: messages.length < PAGE ? this.head : messages.at(-1)!.seq, end: false };
  }
}

function check(stretch: Stretch<Numbered>, log: Log, where: string): void {
  assert.ok(stretch.messages.length <= WINDOW_MAX, where);
  assert.deepEqual(stretch.messages, log.messages(stretch.low, stretch.high), `${where}: a hole or a message twice`);
  if (stretch.last) assert.ok(log.messages(stretch.high + 1, log.head).length === 0, `${where}: not the last`);
  if (stretch.first) assert.equal(stretch.low, 1, where);
}

test("the window is one stretch without a hole, whatever comes at its ends", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const next = numbers(seed);
    const log = new Log();
    let stretch: Stretch<Numbered> = opened(log.before(1 + next(900)), log.head);
    for (let step = 0; step < 60; step++) {
      const stale = next(4) === 0 ? next(200) : 0;
      const kind = next(3);
      if (kind === 0) stretch = withOlder(stretch, log.before(Math.max(2, stretch.low - stale)));
      else if (kind === 1) stretch = withNewer(stretch, log.after(stretch.high + stale), log.head);
      else {
        const from = log.head + 1;
        log.head += next(90);
        if (next(3)) stretch = withLive(stretch, log.messages(from, log.head), log.head);
        else stretch = { ...stretch, last: false };
      }
      check(stretch, log, `seed ${seed}, step ${step}`);
    }
  }
});

test("an empty window opens with the first message that comes", () => {
  const stretch = withLive(opened({ messages: [], low: 1, high: 0, end: true }, 0), [{ seq: 1 }], 1);
  assert.deepEqual(stretch.messages, [{ seq: 1 }]);
  assert.equal(EMPTY.last, false);
});

test("rows are grouped by author, day, time and what stands between", () => {
  const noon = new Date(2026, 4, 5, 12).getTime();
  const line = (seq: number, user: string, time: number): Line => ({ seq, user, time, key: `k${seq}` });
  const minute = 60_000;
  const messages = [
    line(1, "ann", noon - 24 * 60 * minute),
    line(2, "ann", noon),
    line(3, "ann", noon + minute),
    line(5, "ann", noon + 2 * minute),
    line(6, "ann", noon + 40 * minute),
    line(7, "bob", noon + 41 * minute),
    line(8, "bob", noon + 42 * minute),
  ];
  const pending = [
    { key: "k8", time: noon },
    { key: "waits", time: noon + 43 * minute },
  ];
  const rows = rowsOf({ messages, notes: [{ seq: 4, time: noon + minute }], pending, divider: 8, me: "bob" });
  const shown = rows.map((row) => {
    if (row.kind !== "message" && row.kind !== "pending") return row.kind;
    return `${row.key} ${row.first ? "(" : "-"}${row.last ? ")" : "-"}`;
  });
  assert.deepEqual(shown, [
    "day",
    "k1 ()",
    "day",
    "k2 (-",
    "k3 -)",
    "note",
    "k5 ()",
    "k6 ()",
    "k7 ()",
    "divider",
    "k8 (-",
    "waits -)",
  ]);
});

test("a text falls into words, links and mentions", () => {
  const names = new Map([
    ["@Ann", "u1"],
    ["@Ann Lee", "u2"],
    ["@林", "u3"],
  ]);
  const shown = (text: string): string[] =>
    piecesOf(text, names).map((piece) => {
      if (piece.kind === "link") return `<${piece.url}${piece.host && ` at ${piece.host}`}>`;
      return piece.kind === "mention" ? `[${piece.user}]` : piece.text;
    });
  assert.deepEqual(shown("no link"), ["no link"]);
  assert.deepEqual(shown("see https://a.example/b_(c), and (http://d.example)."), [
    "see ",
    "<https://a.example/b_(c)>",
    ", and (",
    "<http://d.example/>",
    ").",
  ]);
  assert.deepEqual(shown("看https://a.example。好"), ["看", "<https://a.example/>", "。好"]);
  assert.deepEqual(shown("https://a.example:443/ http://a.example:8080/"), [
    "<https://a.example/>",
    " ",
    "<http://a.example:8080/>",
  ]);
  assert.deepEqual(shown("https://bank.example@evil.example/x"), ["<https://bank.example@evil.example/x at evil.example>"]);
  assert.deepEqual(shown("https://b\u0430nk.example"), ["<https://xn--bnk-6cd.example/ at xn--bnk-6cd.example>"]);
  for (const text of ["javascript:alert(1)", "xhttps://a.example", "https://", "https://%", "data:text/html,x"]) {
    assert.deepEqual(shown(text), [text]);
  }
  assert.deepEqual(shown("@Ann Lee, @Ann and @Annabel; @林你好 a@Ann"), [
    "[u2]",
    ", ",
    "[u1]",
    " and @Annabel; ",
    "[u3]",
    "你好 a@Ann",
  ]);
});

test("a long text is folded after forty lines, at a whole character", () => {
  assert.equal(folded("short", 60), "short");
  const lines = Array.from({ length: 100 }, (_, at) => `line ${at}`);
  assert.equal(folded(lines.join("\n"), 60).trimEnd(), lines.slice(0, 40).join("\n"));
  assert.equal(folded("字".repeat(5000), 60).length, 40 * 30);
  assert.match(folded("🙂".repeat(5000), 60), /^(?:🙂)+$/u);
});

test("emoji alone are large, and few", () => {
  for (const text of ["🎉", "👩‍🚀🚲", "❤️ 👍", "🇦🇹"]) assert.ok(isEmojiOnly(text), text);
  for (const text of ["", "1", "🎉🎉🎉🎉", "hi 🎉", "#", "©"]) assert.ok(!isEmojiOnly(text), text);
});

test("a message is read when its end was in view for half a second", () => {
  const reading = new Reading(3);
  assert.equal(reading.seen([4, 5], 0), false);
  assert.equal(reading.due(100), 400);
  assert.equal(reading.seen([5, 6], 499), false);
  assert.equal(reading.seen([5, 6], 500), true);
  assert.equal(reading.read, 5);
  assert.equal(reading.seen([], 600), false);
  assert.equal(reading.due(600), undefined);
  reading.seen([9], 700);
  reading.seen([2], 900);
  assert.equal(reading.seen([9, 2], 1300), false, "it was out of view in between");
  assert.equal(reading.read, 5);
});
