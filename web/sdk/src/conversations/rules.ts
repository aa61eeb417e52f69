/** The rules of a group as they hold, and what they let its members do (protocol.md, "Governed groups"); pure. */

import type { Summary } from "../core/summary.js";
import type { Policy, Role } from "./types.js";

/** The rules with their defaults. */
export type Rules = Required<Policy>;
/** What the rules say by a role. */
export type Deed = "invite" | "post" | "mention_all" | "info" | "pin";

const GROUP: Rules = {
  join: "closed", invite: "admin", approve: false, post: "member", slow_s: 0, mention_all: "member", info: "admin",
  pin: "admin", history: "none", retain_s: 0, listed: false, no_forward: false, hide_members: false,
};
const CHANNEL: Partial<Rules> = { join: "open", post: "admin", history: "all", hide_members: true };
const RANKS: readonly string[] = ["member", "admin", "owner"];
/** The rules that admins may change; the others are the owner's. */
const OF_ADMINS: readonly (keyof Policy)[] = ["post", "slow_s", "mention_all", "info", "pin"];

/** Return the rules of a room as they hold. */
export function rulesOf({ kind, policy, public: isPublic }: Pick<Summary, "kind" | "policy" | "public">): Rules {
  return { ...GROUP, ...(kind === "channel" && CHANNEL), ...(isPublic && { join: "open" }), ...policy };
}

/** Whether a role is at least another. */
export function isAtLeast(role: string, least: Role): boolean {
  return RANKS.indexOf(role) >= RANKS.indexOf(least);
}

/** Whether the user may do something in a room. */
export function may(summary: Summary, deed: Deed): boolean {
  return Boolean(summary.peer) || isAtLeast(summary.role, rulesOf(summary)[deed]);
}

/** Whether the user may change a rule of a room. */
export function mayChange({ role }: Pick<Summary, "role">, rule: keyof Policy): boolean {
  return isAtLeast(role, OF_ADMINS.includes(rule) ? "admin" : "owner");
}

/** What keeps the user from writing in a room. `until`: Unix milliseconds, 1 for ever. */
export type Hindrance =
  | { readonly kind: "silenced" | "slow"; readonly until: number }
  | { readonly kind: "staff_only" };

/** Return what keeps the user from writing in a room at `now`, if anything does; `lastSent`: the time of their last message
 * there. The server decides; this is for what a composer shows. */
export function hindranceOf(summary: Summary, lastSent = 0, now = Date.now()): Hindrance | undefined {
  const { silenced_until = 0, role, peer } = summary;
  if (peer) return undefined;
  if (silenced_until === 1 || silenced_until > now) return { kind: "silenced", until: silenced_until };
  if (!may(summary, "post")) return { kind: "staff_only" };
  const until = lastSent + rulesOf(summary).slow_s * 1000;
  return role === "member" && until > now && lastSent ? { kind: "slow", until } : undefined;
}
