/** Notifications in words, in all languages and as far as the user lets them tell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PushNotification } from "@chatd/client/push";
import en from "../src/locale/en.push.json";
import zh from "../src/locale/zh-CN.push.json";
import { gather } from "../src/push/gather.js";
import { shownOf } from "../src/push/notification_text.js";

const shown = (given: Partial<PushNotification>, language = "en-GB"): [string, string] => {
  const words = { texts: language === "zh-CN" ? zh : en, language, site: "Example Chat" };
  const { title, body } = shownOf({ kind: "message", tag: "t", ...given }, words);
  return [title, body].map((text) => text.replace(/[\u2068\u2069]/gu, "")) as [string, string];
};

const GROUP = { name: "Bob", title: "Bike tour", text: "Who brings the map?" };

test("a message says as much as it may", () => {
  assert.deepEqual(shown({ name: "Bob", text: "Hi" }), ["Bob", "Hi"]);
  assert.deepEqual(shown(GROUP), ["Bike tour", "Bob: Who brings the map?"]);
  assert.deepEqual(shown({ name: "Bob" }), ["Bob", "New message"]);
  assert.deepEqual(shown({ name: "Bob", title: "Bike tour" }), ["Bike tour", "New message from Bob"]);
  assert.deepEqual(shown({}), ["Example Chat", "New message"]);
  assert.deepEqual(shown({ name: "Bob", content: "picture" }), ["Bob", "Picture"]);
  assert.deepEqual(shown({ name: "Bob", content: "card:location" }), ["Bob", "Card"]);
  assert.deepEqual(shown({ name: "Bob", content: "hologram" }), ["Bob", "New message"]);
});

test("several messages are counted, and the last one is shown", () => {
  assert.deepEqual(shown({ ...GROUP, count: 3 }), ["Bike tour", "3 new messages\nBob: Who brings the map?"]);
  assert.deepEqual(shown({ name: "Bob", text: "Hi", count: 1200 }), ["Bob", "1,200 new messages\nHi"]);
  assert.deepEqual(shown({ count: 2 }), ["Example Chat", "2 new messages"]);
  assert.deepEqual(shown({ ...GROUP, count: 3 }, "zh-CN"), ["Bike tour", "3 条新消息\nBob：Who brings the map?"]);
});

test("the other kinds say who did what", () => {
  assert.deepEqual(shown({ ...GROUP, kind: "mention" }), ["Bike tour", "Bob mentioned you: Who brings the map?"]);
  assert.deepEqual(shown({ kind: "mention" }), ["Example Chat", "Somebody mentioned you"]);
  assert.deepEqual(shown({ kind: "reaction", name: "小明", text: "👍" }, "zh-CN"), ["小明", "小明回应了 👍"]);
  assert.deepEqual(shown({ kind: "reaction", name: "Bob" }), ["Bob", "Bob reacted to your message"]);
  assert.deepEqual(shown({ kind: "friend", name: "Bob" }), ["Bob", "Bob wants to be your friend"]);
  assert.deepEqual(shown({ kind: "friend" }), ["Example Chat", "New friend request"]);
  assert.deepEqual(shown({ ...GROUP, kind: "invite" }), ["Bike tour", "Bob added you to Bike tour"]);
  assert.deepEqual(shown({ kind: "invite", name: "Bob" }), ["Example Chat", "Bob added you to a group"]);
  assert.deepEqual(shown({ kind: "invite" }, "zh-CN"), ["Example Chat", "你被邀请加入了群组"]);
  assert.deepEqual(shown({ ...GROUP, kind: "offer" }), ["Bike tour", "Bob invites you to Bike tour"]);
  assert.deepEqual(shown({ kind: "offer", name: "小明" }, "zh-CN"), ["Example Chat", "小明邀请你加入群组"]);
  assert.deepEqual(shown({ ...GROUP, kind: "accepted" }), ["Bike tour", "Bob accepted your request to join Bike tour"]);
  assert.deepEqual(shown({ kind: "accepted" }, "zh-CN"), ["Example Chat", "你的入群申请已通过"]);
  assert.deepEqual(shown({ ...GROUP, kind: "join" }), ["Bike tour", "Bob asks to join Bike tour"]);
  assert.deepEqual(shown({ ...GROUP, kind: "join", count: 3 }), ["Bike tour", "3 requests to join"]);
  assert.deepEqual(shown({ kind: "join", name: "Bob", count: 3 }, "zh-CN"), ["Example Chat", "3 个入群申请"]);
  assert.deepEqual(shown({ kind: "test" }), ["Example Chat", "Notifications reach this browser."]);
  assert.deepEqual(shown({ kind: "other", name: "Bob" }), ["Example Chat", "There is news"]);
});

test("decisions are gathered by message and kind, and of each device the last one counts", () => {
  const told = gather([
    { time: 1, device: "a", room: "g", seq: 7, kind: "message", outcome: "paced" },
    { time: 3, device: "a", room: "g", seq: 7, kind: "message", outcome: "sent" },
    { time: 2, device: "b", room: "g", seq: 7, kind: "message", outcome: "foreground" },
    { time: 5, device: "a", room: "g", seq: 7, kind: "reaction", outcome: "prefs_off" },
    { time: 4, device: "a", kind: "friend", outcome: "sent" },
    { time: 7, device: "a", room: "g", seq: 7, kind: "read", outcome: "sent" },
    { time: 6, device: "a", kind: "friend", outcome: "sent" },
  ]);
  const list = told.map(({ kind, time, decisions }) => [kind, time, decisions.map(({ outcome }) => outcome)]);
  assert.deepEqual(list, [
    ["friend", 6, ["sent"]],
    ["reaction", 5, ["prefs_off"]],
    ["friend", 4, ["sent"]],
    ["message", 3, ["sent", "foreground"]],
  ]);
});
