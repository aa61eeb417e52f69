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

/** The default of each rule, and how wide and narrow a user may make it, where the host has set nothing else. */
const BOUNDS: Readonly<Record<Capability, Bounds>> = {
  knock: ["everyone", "everyone", "nobody"],
  write: ["friends", "everyone", "friends"],
  add: ["friends", "everyone", "nobody"],
  call: ["friends", "everyone", "nobody"],
  presence: ["friends", "acquaintances", "nobody"],
  receipts: ["everyone", "everyone", "nobody"],
  page: ["friends", "everyone", "nobody"],
  find: ["everyone", "everyone", "nobody"],
};
type Bounds = readonly [to: Word, widest: Word, narrowest: Word];

/** What the host has set, by capability. */
export type OfHost = Readonly<Record<string, readonly string[]>>;

const boundsOf = (capability: Capability, ofHost: OfHost): Bounds => (ofHost[capability] as Bounds | undefined) ?? BOUNDS[capability];

/** Return the rule in force: that of the user within the bounds, else that of the host. */
export function ruleOf({ rules }: Privacy, capability: Capability, ofHost: OfHost): Audience {
  const [to, widest, narrowest] = boundsOf(capability, ofHost);
  const chosen = rules[capability];
  if (!chosen) return { to };
  const rank = (word: string) => AUDIENCES.indexOf(word as Word);
  if (rank(chosen.to) < rank(widest)) return { ...chosen, to: widest };
  return rank(chosen.to) > rank(narrowest) ? { ...chosen, to: narrowest } : chosen;
}

/** Return the audiences a user may choose for a rule. */
export function choicesOf(capability: Capability, ofHost: OfHost): Word[] {
  const [, widest, narrowest] = boundsOf(capability, ofHost);
  return AUDIENCES.slice(AUDIENCES.indexOf(widest), AUDIENCES.indexOf(narrowest) + 1);
}
