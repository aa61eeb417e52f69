/** The texts of the client with their parameters. */
import assert from "node:assert/strict";
import { test } from "node:test";
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
