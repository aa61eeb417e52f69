/** The list of chats as the user keeps it, and the proof that it is that of the server (protocol.md, "The inbox"). */

import type { Client } from "../client.js";
import type { Room } from "../rooms.js";
import type { Folder } from "./types.js";

/** The folder of what is archived. */
export const ARCHIVE = 1;
const DIGEST_BITS = 48n;

/** Mark a room as unread; reading it ends that. */
export function markUnread(room: Room, unread_mark: boolean): Promise<void> {
  return room.preferences({ unread_mark });
}

/** Put a room into a folder; 0: into none. */
export function moveTo(room: Room, folder: number): Promise<void> {
  return room.preferences({ folder });
}

/** Return the folders that the user made, in their order. */
export function foldersOf(client: Client): readonly Folder[] {
  return (client.accountRows().preferences as { folders?: Folder[] } | undefined)?.folders ?? [];
}

/** Replace the folders; those of rooms whose folder is gone are in none. */
export async function setFolders(client: Client, folders: readonly Folder[]): Promise<void> {
  await client.call({ type: "preferences", folders });
}

/** Whether others see that a forwarded message was written by the user. */
export async function setCredit(client: Client, credit: boolean): Promise<void> {
  await client.call({ type: "preferences", credit });
}

/** Take messages out of the own view of a room, on all devices of the user; they are read with that. */
export async function deleteForMe(client: Client, room: Room, seqs: Iterable<number>): Promise<void> {
  const ranges = rangesOf(seqs);
  await readAll(client, [{ room: room.id, seq: ranges.at(-1)![1] }]);
  await client.call({ type: "delete", room: room.id, ranges });
}

/** Take everything up to `seq` out of the own view of a room. */
export async function clear(client: Client, room: Room, seq = room.head): Promise<void> {
  await client.call({ type: "clear", room: room.id, seq });
  await room.refresh();
}

/** Return numbers as ranges from the first to the last of each run. */
export function rangesOf(seqs: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const seq of [...new Set(seqs)].sort((one, other) => one - other)) {
    const last = ranges.at(-1);
    if (last?.[1] === seq - 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges;
}

/** Mark rooms as read up to a message each, at most 200. */
export async function readAll(client: Client, rooms: readonly { room: string; seq: number }[]): Promise<void> {
  await client.call({ type: "reads", rooms });
}

/** The messages that an unread number counts, in ascending order. */
export interface UnreadIn {
  readonly read: number;
  readonly unread: number;
  readonly unread_mentions: number;
  readonly seqs: readonly number[];
  readonly mentions: readonly number[];
  readonly more?: string;
}

/** The number on the icon, and the rooms that it is the sum of. */
export interface Badge {
  readonly badge: number;
  readonly rooms: readonly { readonly room: string; readonly counts: number; readonly why: "unread" | "mention" | "mark" }[];
  readonly more?: string;
}

/** Return the messages that the unread number of a room counts. */
export function unreadIn(client: Client, room: string, more?: string): Promise<UnreadIn> {
  return client.call<UnreadIn>({ type: "unread", room, ...(more && { more }) });
}

/** Return what the number on the icon is made of. */
export function badgeRooms(client: Client, more?: string): Promise<Badge> {
  return client.call<Badge>({ type: "unread", ...(more && { more }) });
}

/** Ask whether this list of rooms is that of the server; if not, fetch all anew. Sensible when nothing is on its way. */
export async function verify(client: Client, subtle: Hasher = crypto.subtle): Promise<boolean> {
  // What was under way at the first time came before its answer.
  for (let asked = 0; asked < 2; asked++) {
    const rooms = [...client.rooms.values()].filter(({ summary }) => !summary.request);
    const digest = await digestOf(rooms, subtle);
    const { equal } = await client.call<{ equal?: boolean }>({ type: "verify", rooms: rooms.length, digest });
    if (equal) return true;
  }
  await client.sync(true);
  return false;
}

/** The part of WebCrypto that is needed. */
export type Hasher = Pick<SubtleCrypto, "digest">;

/** Return the digest of a list of rooms: the sum of the first six bytes of a SHA-256 of each (protocol.md, "verify"). */
export async function digestOf(rooms: Iterable<Room>, subtle: Hasher = crypto.subtle): Promise<number> {
  const hashes = [...rooms].map(async (room) => {
    const { first_visible, muted_until } = room.summary;
    const numbers = [room.head, room.ordinal, room.readTo, room.unread, room.unreadMentions, first_visible, muted_until];
    const hash = await subtle.digest("SHA-256", new TextEncoder().encode([room.id, ...numbers].join(" ")));
    return new DataView(hash).getBigUint64(0) >> (64n - DIGEST_BITS);
  });
  const sum = (await Promise.all(hashes)).reduce((all, one) => all + one, 0n);
  return Number(BigInt.asUintN(Number(DIGEST_BITS), sum));
}
