/** A room as the list of rooms shows it: the summary of protocol.md, "RoomSummary", with its defaults; pure. */

import type { Level } from "./attention.js";
import type { Event, Policy, RoomSummary } from "./packets.js";

/** The state keys of a RoomSummary; an absent key has its default. Times are Unix milliseconds. */
export interface Summary {
  readonly room: string;
  readonly seq: number;
  readonly ordinal: number;
  readonly time: number;
  readonly read: number;
  readonly unread: number;
  readonly unread_mentions: number;
  readonly title: string;
  readonly avatar: string;
  readonly data?: unknown;
  readonly public: boolean;
  /** The other user; set in 1:1 rooms only. */
  readonly peer: string;
  readonly peer_read: number;
  readonly peer_delivered: number;
  readonly members: number;
  /** The own role: `member`, `admin` or `owner`. */
  readonly role: string;
  /** Muted until this time; 0 not muted, 1 for ever. */
  readonly muted_until: number;
  readonly pinned: boolean;
  readonly hidden: boolean;
  /** A message request: somebody wrote whom this user has not accepted (protocol.md, "Direct rooms and message
   * requests"). */
  readonly request?: boolean;
  /** Own texts that wait for the other user to accept. */
  readonly asked?: number;
  /** The picture behind the chat: a word, or an address, of the app. */
  readonly wallpaper?: string;
  /** Of which messages the user wants to be notified; absent: as they chose for all rooms of its kind. */
  readonly notify?: Level;
  /** The newest 64 voice messages of others that the user heard, and own ones that the peer heard, by `seq`. */
  readonly played?: readonly number[];
  readonly peer_played?: readonly number[];
  /** `channel`: few write; any other is a group, or a 1:1 room (protocol.md, "Channels"). */
  readonly kind?: string;
  /** The rules of a group that has others than the default (`rulesOf` of `@chatd/client/conversations`). */
  readonly policy?: Policy;
  readonly about?: string;
  readonly tags?: readonly string[];
  /** The message that is shown above all others; 0 or absent: none. */
  readonly announcement?: number;
  /** Of a channel: the group of its comments; of that group: the channel. */
  readonly comments?: string;
  readonly channel?: string;
  /** Requests to join that wait; known to those who decide. */
  readonly joins?: number;
  /** The own name in the group. */
  readonly nickname?: string;
  /** The user may not write until this time; 1 for ever. */
  readonly silenced_until?: number;
  /** Marked as unread by the user. */
  readonly unread_mark?: boolean;
  /** The folder of the list of rooms; 0 or absent: none, 1: the archive. */
  readonly folder?: number;
  /** First and last number of messages that the user deleted for themself. */
  readonly deleted?: readonly (readonly [low: number, high: number])[];
  /** Messages of a direct room up to this one stay, whatever its `retain_s` (protocol.md, "Retention"). */
  readonly kept?: number;
  readonly first_visible: number;
  readonly log_floor: number;
  /** The latest message, when it was asked for. */
  readonly preview?: Event;
}

const DEFAULTS: Omit<Summary, "room"> = {
  seq: 0, ordinal: 0, time: 0, read: 0, unread: 0, unread_mentions: 0, title: "", avatar: "", public: false, peer: "",
  peer_read: 0, peer_delivered: 0, members: 0, role: "member", muted_until: 0, pinned: false, hidden: false,
  first_visible: 1, log_floor: 1,
};

/** Return the role in a packet; any that is not known is `member` (protocol.md, "Forward compatibility"). */
export function roleOf({ role = "" }: { role?: string }): string {
  return ["admin", "owner"].includes(role) ? role : "member";
}

/** Return the summary of a packet. */
export function summaryFrom(packet: RoomSummary | { room: string }): Summary {
  const { events: _, ...state } = packet as RoomSummary;
  return { ...DEFAULTS, ...state, role: roleOf(state) };
}
