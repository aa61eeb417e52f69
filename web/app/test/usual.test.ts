/** What one is notified of in a chat without a choice of one's own for it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { usualOf } from "../src/push/usual.js";

test("a large group and a channel alert less than was chosen for all groups", () => {
  const wishes = { messages: "all", groups: "all" } as const;
  const chats = [{ peer: "bob" }, { members: 500 }, { members: 501 }, { kind: "channel", members: 3 }];
  assert.deepEqual(chats.map((chat) => usualOf(chat, wishes)), ["all", "all", "mentions", "none"]);
  assert.deepEqual(chats.map((chat) => usualOf(chat, { messages: "mentions", groups: "none" })), ["mentions", "none", "none", "none"]);
});
