/** The ways into a group (protocol.md, "Entering groups"). */

import type { Client } from "../client.js";
import type { Ack } from "../core/packets.js";
import { newKey } from "../keys.js";
import type { Room } from "../rooms.js";
import type { FoundRooms, Invite, Join, RoomCard } from "./types.js";

/** The form of an invite: 22 characters of base64url. */
const INVITE = /^[\w-]{22}$/;

/** Whether the user is in the room now, or their request waits for an admin. */
export type Entry = { readonly room: string; readonly requested: false } | { readonly requested: true };

/** Enter a room by its id, as far as its rules admit it, or accept an offer; `text` is for the admins. */
export async function join(client: Client, id: string, text = ""): Promise<Entry> {
  const room = client.room(id);
  const { requested } = (await room.mutate("room.join", text ? { text } : {})) as Ack & { requested?: boolean };
  if (requested) return { requested };
  await room.refresh();
  return { room: id, requested: false };
}

/** Decline an offer, or take an own request back. */
export async function withdraw(room: Room): Promise<void> {
  await room.mutate("room.leave", {});
}

/** Return what waits for the user, or was offered to them, by room. */
export function joinsOf(client: Client): ReadonlyMap<string, Join> {
  return new Map(Object.entries(client.accountRows("joins") as Record<string, Join>));
}

// Invites.

/** Make an invite; without `expires_at` the server says how long it works. */
export async function createInvite(
  room: Room, more: { expires_at?: number; uses_max?: number; approve?: boolean; label?: string } = {},
): Promise<Invite> {
  return ((await room.mutate("invites.create", more)) as Ack & { invite: Invite }).invite;
}

/** Yield the invites of a room that work. */
export async function* invitesOf(client: Client, room: string): AsyncGenerator<Invite, void> {
  let more: string | undefined;
  do {
    const reply: { invites: Invite[]; more?: string } = await client.call({ type: "invites.list", room, more });
    yield* reply.invites;
    more = reply.more;
  } while (more);
}

/** End an invite, all of a member (`by`), or all of the room. */
export async function revokeInvites(room: Room, which: { invite?: string; by?: string } = {}): Promise<void> {
  await room.mutate("invites.revoke", which);
}

/** Return the room that an invite leads into. An invite that does not work for the user, for whatever reason, is refused
 * with `not_found`. */
export async function lookAt(client: Client, invite: string): Promise<RoomCard> {
  return (await client.call<{ card: RoomCard }>({ type: "invites.look", invite })).card;
}

/** Return listed groups and channels by the beginning of a word of their title, by a tag, or both, the largest first,
 * where `client.features` has `discovery` (protocol.md, "Discovery"). */
export function findRooms(client: Client, wish: { text?: string; tag?: string; more?: string }): Promise<FoundRooms> {
  return client.call({ type: "rooms.find", ...wish });
}

/** Enter a room by an invite; `text` is for the admins, where they decide. To repeat it, give it the same `key`. */
export async function useInvite(client: Client, invite: string, { text = "", key = newKey() } = {}): Promise<Entry> {
  const asked = { type: "invites.use", invite, key, ...(text && { text }) };
  const { requested, summary } = await client.call<{ requested?: boolean; summary?: { room: string } }>(asked);
  if (requested || !summary) return { requested: true };
  await client.room(summary.room).refresh();
  return { room: summary.room, requested: false };
}

/** Return the invite in an address whose last part it is, or in a text that is nothing else. */
export function inviteIn(text: string): string | undefined {
  const last = text.trim().split(/[/#?&=]/).at(-1)!;
  return INVITE.test(last) ? last : undefined;
}

// Requests to join.

/** Yield the requests that wait in a room, the oldest first; `room.summary.joins` is their number. */
export async function* waitingIn(client: Client, room: string): AsyncGenerator<Join, void> {
  let more: string | undefined;
  do {
    const reply: { joins: Join[]; more?: string } = await client.call({ type: "joins.list", room, more });
    yield* reply.joins;
    more = reply.more;
  } while (more);
}

/** Let users in, or decline their requests, with `ban` for good. Who is declined is not told. */
export async function decide(room: Room, users: Iterable<string>, accept: boolean, { ban = false } = {}): Promise<void> {
  await room.mutate("joins.decide", { users: [...users], accept, ...(ban && { ban }) });
}
