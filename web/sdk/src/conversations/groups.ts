/** What members and admins of a group do (protocol.md, "Governed groups"). */

import type { Client } from "../client.js";
import { roleOf } from "../core/summary.js";
import { newKey } from "../keys.js";
import type { Room } from "../rooms.js";
import type { Policy } from "./types.js";

/** A member with what few have. Times in Unix milliseconds; `silenced_until` 1: for ever. */
export interface GroupMember {
  readonly user: string;
  readonly role: string;
  readonly joined_at: number;
  readonly nickname?: string;
  readonly silenced_until?: number;
}

/** Make a group or a channel with rules; without any, `client.createGroup` is enough. Returns its id. */
export async function createRoom(
  client: Client,
  room: {
    kind: "group" | "channel"; title: string; users?: string[]; avatar?: string; policy?: Policy; about?: string;
    tags?: string[];
  },
): Promise<string> {
  const { summary } = await client.call({ ...room, type: "room.create", key: newKey() });
  await client.room(summary.room).refresh();
  return summary.room;
}

/** Change rules, description or tags of a group; what is not named stays. */
export async function govern(room: Room, change: { policy?: Policy; about?: string; tags?: string[] }): Promise<void> {
  await room.mutate("room.update", change);
}

/** Return these members, at most 100. */
export async function membersOf(client: Client, room: string, users: Iterable<string>): Promise<GroupMember[]> {
  const { members } = await client.call({ type: "members.get", room, users: [...users] });
  return (members as GroupMember[]).map((member) => ({ ...member, role: roleOf(member) }));
}

/** Remove members who cannot come back, before `until` if it is there; with `recall` their messages of a day go, too. Who
 * is banned: `room.members({ role: "banned" })`. */
export async function ban(room: Room, users: Iterable<string>, more: { until?: number; recall?: boolean } = {}): Promise<void> {
  await room.mutate("members.remove", { users: [...users], ban: true, ...more });
}

export async function unban(room: Room, users: Iterable<string>): Promise<void> {
  await room.mutate("members.unban", { users: [...users] });
}

/** Keep members from writing until a time; 0 ends it, 1 is for ever. */
export async function silence(room: Room, users: Iterable<string>, until: number): Promise<void> {
  await room.mutate("members.silence", { users: [...users], until });
}

/** Set the own name in a group; an admin may take away that of another `user`. */
export async function setNickname(room: Room, nickname: string, user?: string): Promise<void> {
  await room.mutate("members.nickname", { nickname, ...(user !== undefined && { user }) });
}

/** Show a message of the room above all others; 0 takes the announcement away. */
export async function announce(room: Room, target: number): Promise<void> {
  await room.mutate("announce", { target });
}

/** Make another member the owner, and the user an admin. */
export function handOver(client: Client, room: Room, user: string): Promise<void> {
  return room.setRoles({ [user]: "owner", [client.user]: "admin" });
}
