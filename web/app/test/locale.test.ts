/** The texts of the client with their parameters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { momentOf } from "../src/locale/moments.js";
import { loadMoreTexts, setLanguage, t } from "../src/locale/locale.js";

const shown = (...args: Parameters<typeof t>): string => t(...args).replace(/[\u2068\u2069]/gu, "");

test("Chinese has a space between Han and another script only", async () => {
  await setLanguage("zh-CN");
  await loadMoreTexts();
  assert.equal(t("note.joined", { who: "Bob" }), "\u2068Bob\u2069 加入了群组");
  assert.equal(shown("note.created", { who: t("chat.you") }), "你创建了群组");
  assert.equal(shown("note.added", { who: "小明", names: ["Bob", "你"].join(t("names.separator")) }), "小明邀请了 Bob、你");
  assert.equal(shown("note.admin", { who: "Bob", name: "𠮷田" }), "Bob 将𠮷田设为管理员");
  assert.equal(shown("chat.typing.names", { first: "小明", second: "小红" }), "小明和小红正在输入");
  assert.equal(shown("presence.seen", { time: t("date.yesterday") }), "最后上线昨天");
  assert.equal(shown("chat.says", { name: "小明", text: "你好 Bob 世界 里" }), "小明：你好 Bob 世界 里");
});

test("a name in Han stands in an English sentence as any other", async () => {
  await setLanguage("en");
  await loadMoreTexts();
  assert.equal(shown("note.added", { who: "小明", names: "小红" }), "小明 added 小红");
});

/** The languages of a browser; Node has none. */
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-GB", "zh-CN"] }, configurable: true });

test("a moment of today has its time only, and one of another year its year", async () => {
  const now = new Date(2026, 11, 1, 9, 30).getTime();
  for (const [language, ...said] of [
    ["en", "17:05", /^Thu.* 3 Dec.* 17:05$/u, /2027.* 17:05$/u],
    ["zh-CN", "17:05", /^12月3日.*17:05$/u, /^2027年.*17:05$/u],
  ] as const) {
    await setLanguage(language);
    assert.equal(momentOf(new Date(2026, 11, 1, 17, 5).getTime(), now), said[0]);
    const [near, far] = [new Date(2026, 11, 3, 17, 5), new Date(2027, 0, 4, 17, 5)].map((time) => momentOf(time.getTime(), now));
    assert.match(near!, said[1]);
    assert.doesNotMatch(near!, /2026/u);
    assert.match(far!, said[2]);
  }
});
