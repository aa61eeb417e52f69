/** Messages that are copied, and messages that are sent later (protocol.md, "Sharing" and "Drafts and scheduled
 * messages"). */

import type { Client } from "../client.js";
import type { Ack, Body } from "../core/packets.js";
import { newKey } from "../keys.js";
import type { Room } from "../rooms.js";
import type { Scheduled } from "./types.js";

/** Copy messages of a room, at most 100, into another, in this order; return their numbers there. With `credit` the
 * authors are named, where those agree. */
export async function forward(from: Room, seqs: Iterable<number>, to: Room, { credit = false } = {}): Promise<number[]> {
  const asked = { from: from.id, seqs: [...seqs], ...(credit && { credit }) };
  return ((await to.mutate("forward", asked)) as Ack & { seqs?: number[] }).seqs ?? [];
}

/** Have a message sent at a time in Unix milliseconds; with the `key` of one that waits, that one is replaced. Returns the
 * key of the message. */
export async function schedule(client: Client, room: Room, body: Body, at: number, key = newKey()): Promise<string> {
  await room.mutate("schedule", { key, at, body });
  return key;
}

/** Drop a message that waits to be sent. */
export async function cancelScheduled(room: Room, key: string): Promise<void> {
  await room.mutate("schedule", { key });
}

/** Return the messages that wait to be sent, or could not be, by key. */
export function scheduledOf(client: Client): ReadonlyMap<string, Scheduled> {
  return new Map(Object.entries(client.accountRows("scheduled") as Record<string, Scheduled>));
}
