/** `@chatd/client/platform`: reports, bots, and what keeps a user from writing (protocol.md, "Moderation, bots and
 * erasure"). Functions that take any `Client`; that of `@chatd/client/people` also says in `features` whether `reports`
 * and `bots` are in force. */

import type { Client } from "./client.js";
import type { BotsGetReply, Button, ErrorReply, ReportReply, ReportRequest } from "./core/packets.js";
import { newKey } from "./keys.js";
import type { Room } from "./rooms.js";
import type { Receipt } from "./sender.js";

export type { Button } from "./core/packets.js";

/** A message, a room, or a user. */
export type Subject = { room: string; seq?: number } | { user: string };
export type Reason = ReportRequest["reason"];
export const REASONS: readonly Reason[] = ["spam", "abuse", "sexual", "violence", "fraud", "self_harm", "other"];

/** Tell the moderators of a message, a room or a user (protocol.md, "report").
 *
 * To repeat a report that got no answer, give it the same `key` (`reportKey`).
 */
export function report(
  client: Client, subject: Subject, reason: Reason, { text = "", key = reportKey() } = {},
): Promise<ReportReply> {
  return client.call({ type: "report", key, reason, ...subject, ...(text && { text }) });
}

/** Return a key for a report. */
export const reportKey = newKey;

/** A command of a bot; `name` is without the slash. */
export type Command = NonNullable<BotsGetReply["commands"]>[number];

/** Return the commands of a bot, and whether it greets; an app keeps them for a day (protocol.md, "bots.get"). */
export async function fetchBot(client: Client, bot: string): Promise<{ commands: Command[]; welcome: boolean }> {
  const { commands = [], welcome = false } = await client.call({ type: "bots.get", bot });
  return { commands, welcome };
}

/** Return the commands that a text may become: those that begin like it, while it is `/` and a part of a name. */
export function commandsFor(text: string, commands: readonly Command[]): Command[] {
  const typed = /^\/([a-z0-9_]*)$/i.exec(text)?.[1];
  return typed === undefined ? [] : commands.filter(({ name }) => name.startsWith(typed.toLowerCase()));
}

/** Press a button with `data` below the message `seq`: an ordinary message (protocol.md, "Button"). */
export function press(room: Room, seq: number, { label, data = "" }: Button): Promise<Receipt> {
  return room.send({ text: label, data, reply_to: seq });
}

/** Return the address that a button opens; undefined for one with data, and for one that no client should open. */
export function addressOf({ url }: Button): URL | undefined {
  const address = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
  return address && /^https?:$/.test(address.protocol) ? address : undefined;
}

/** What keeps a user from writing: they are muted, or may write one message at a time (protocol.md, "Restrictions"). */
export interface Restriction {
  readonly kind: "muted" | "slow";
  /** Unix milliseconds; the server says it again then, if it goes on. */
  readonly until: number;
}

/** Return the restriction that a refusal at `now` tells of, if it tells of one; `Entry.error` is such a refusal. */
export function restrictionOf(refusal: Partial<ErrorReply>, now = Date.now()): Restriction | undefined {
  const { code, scope, retry_after = 0 } = refusal;
  const until = now + retry_after;
  if (code === "muted" && scope === "user") return { kind: "muted", until };
  return code === "rate_limited" && scope === "slow" ? { kind: "slow", until } : undefined;
}
