/** The rules of privacy: what they are about, their defaults and their bounds (protocol.md, "People"); pure. */
import type { TextKey } from "../locale/locale.js";
import type { Audience, Privacy } from "@chatd/client/people";

export type Capability = "knock" | "write" | "add" | "call" | "presence" | "receipts" | "page" | "find";

/** The audiences from everybody to nobody. */
export const AUDIENCES = ["everyone", "followers", "acquaintances", "friends", "nobody"] as const;
export type Word = (typeof AUDIENCES)[number];

/** The rules in the order of the page. */
export const RULES: readonly { title: TextKey; capabilities: readonly Capability[] }[] = [
  { title: "privacy.reach", capabilities: ["write", "knock", "add", "call"] },
  { title: "privacy.see", capabilities: ["presence", "receipts", "page", "find"] },
];

/** The default of each rule, and how wide and narrow a user may make it; the host may have set closer bounds. */
const DEFAULTS: Readonly<Record<Capability, readonly [to: Word, widest: Word, narrowest: Word]>> = {
  knock: ["everyone", "everyone", "nobody"],
  write: ["friends", "everyone", "friends"],
  add: ["friends", "everyone", "nobody"],
  call: ["friends", "everyone", "nobody"],
  presence: ["friends", "acquaintances", "nobody"],
  receipts: ["everyone", "everyone", "nobody"],
  page: ["friends", "everyone", "nobody"],
  find: ["everyone", "everyone", "nobody"],
};

/** Return the rule in force. */
export const ruleOf = ({ rules }: Privacy, capability: Capability): Audience =>
  rules[capability] ?? { to: DEFAULTS[capability][0] };

/** Return the audiences a user may choose for a rule. */
export function choicesOf(capability: Capability): Word[] {
  const [, widest, narrowest] = DEFAULTS[capability];
  return AUDIENCES.slice(AUDIENCES.indexOf(widest), AUDIENCES.indexOf(narrowest) + 1);
}
