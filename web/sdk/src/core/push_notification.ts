/** What arrives at a device (protocol.md, "What arrives"); pure. */

import type { Packet } from "./packets.js";

/** What a notification tells of. `read`: those of a room up to `seq` were read elsewhere, or are gone. `other`: a word of a
 * newer server; show that there is news. */
export type PushKind = (typeof KINDS)[number] | "other";
const KINDS = [
  "message", "mention", "reaction", "friend", "invite", "offer", "accepted", "join", "test", "read",
] as const;

/** One notification. A later one with the same `tag` replaces it; absent keys were kept from the push service. */
export interface PushNotification {
  readonly kind: PushKind;
  readonly tag: string;
  readonly room?: string;
  readonly seq?: number;
  /** Who wrote, reacted, asked, added, offered or accepted, and their name. */
  readonly user?: string;
  readonly name?: string;
  /** The title of the group. */
  readonly title?: string;
  readonly text?: string;
  /** In place of a text: `picture`, `voice`, `file`, `sticker`, or `card:TYPE`. */
  readonly content?: string;
  /** The number of messages, or requests to join, it stands for; absent: one. */
  readonly count?: number;
  /** The number on the icon of the app. */
  readonly badge?: number;
  /** Unix milliseconds. */
  readonly time?: number;
  /** Whether it is shown without a sound. */
  readonly quiet?: boolean;
}

const NUMBERS = ["seq", "count", "badge", "time"];
const TEXTS = ["room", "user", "name", "title", "text", "content"];

/** Return the notification in what a push service brought: an object or its JSON, also one whose values are texts, as in
 * a data message of FCM. Undefined for what is none. */
export function notificationFrom(data: unknown): PushNotification | undefined {
  const found = typeof data === "string" ? parsed(data) : data;
  if (typeof found !== "object" || found === null) return undefined;
  const given = found as Packet;
  const { kind, tag, quiet } = given as Record<string, unknown>;
  if (typeof kind !== "string" || typeof tag !== "string") return undefined;
  const numbers = NUMBERS.map((key) => [key, Number(given[key] ?? NaN)] as const).filter(([, value]) => value >= 0);
  const texts = TEXTS.map((key) => [key, given[key]] as const).filter(([, value]) => typeof value === "string");
  const isQuiet = quiet === true || quiet === "true" || quiet === "1";
  const known = KINDS.find((one) => one === kind) ?? "other";
  return { kind: known, tag, ...Object.fromEntries([...texts, ...numbers]), ...(isQuiet && { quiet: true }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
