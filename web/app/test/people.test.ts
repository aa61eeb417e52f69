/** The pure parts of people: themes of cards, and rules of privacy within the bounds of the host. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Privacy } from "@chatd/client/people";
import { choicesOf, ruleOf } from "../src/people/rules.js";
import { coloursOf, THEMES } from "../src/people/themes.js";

test("a theme has its colours, else those of its name, and a name from anywhere has none", () => {
  assert.deepEqual(coloursOf({ name: "dusk", colors: ["#102030", "red", "url(x)"] }), ["#102030"]);
  assert.deepEqual(coloursOf({ name: "dusk" }), THEMES.dusk);
  for (const name of ["", "constructor", "__proto__", "toString"]) assert.deepEqual(coloursOf({ name }), []);
  assert.deepEqual(coloursOf(undefined), []);
});

test("a rule is that of the user within the bounds, else the default of the host", () => {
  const privacy: Privacy = { rules: { call: { to: "everyone", deny: [2] }, presence: { to: "nobody" } } };
  assert.deepEqual(ruleOf(privacy, "write", {}), { to: "friends" });
  assert.deepEqual(ruleOf(privacy, "write", { write: ["everyone", "everyone", "friends"] }), { to: "everyone" });
  assert.deepEqual(ruleOf(privacy, "call", { call: ["nobody", "friends", "nobody"] }), { to: "friends", deny: [2] });
  assert.deepEqual(ruleOf(privacy, "presence", { presence: ["friends", "acquaintances", "friends"] }), { to: "friends" });
  assert.deepEqual(choicesOf("presence", {}), ["acquaintances", "friends", "nobody"]);
  assert.deepEqual(choicesOf("call", { call: ["nobody", "friends", "nobody"] }), ["friends", "nobody"]);
});
