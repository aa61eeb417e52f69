/** The objects of conversations (protocol.md, "Conversations"). */

import type { Body } from "../core/packets.js";

export type Role = "member" | "admin" | "owner";

/** The rules of a group or channel; an absent key has the default of its kind (`rulesOf`). Roles are the lowest that may. */
export interface Policy {
  /** Who enters by themselves: nobody, whom an admin lets in, anybody. */
  join?: "closed" | "request" | "open";
  /** Who adds members and makes invites. */
  invite?: Role;
  /** Whether those whom a plain member adds or invites wait for an admin. */
  approve?: boolean;
  /** Who writes. */
  post?: Role;
  /** Seconds between two messages of a plain member. */
  slow_s?: number;
  /** Who mentions everybody. */
  mention_all?: Role;
  /** Who changes title, picture, description and announcement. */
  info?: Role;
  pin?: Role;
  /** What newcomers see of the log: nothing, the last 200 events, all. */
  history?: "none" | "recent" | "all";
  /** Seconds for which messages are kept; 0: as long as the server keeps them. */
  retain_s?: number;
  /** Whether anybody finds the group by its name and tags. */
  listed?: boolean;
  /** Whether messages cannot be forwarded out of the group. */
  no_forward?: boolean;
  /** Whether plain members see the staff only. */
  hide_members?: boolean;
  /** The linked group of a channel. */
  comments?: string;
}

/** A room as a stranger sees it; `room` only where they could join it by that name. */
export interface RoomCard {
  room?: string;
  kind?: "group" | "channel";
  title?: string;
  avatar?: string;
  about?: string;
  tags?: string[];
  members?: number;
  join?: "closed" | "request" | "open";
}

/** A request to join that waits, or an offer of a member; `by`: whoever offers, or whose invite was used. */
export interface Join {
  room: string;
  user: string;
  kind: "asked" | "offered";
  by?: string;
  text?: string;
  time?: number;
  card?: RoomCard;
}

/** A link into a group; times in Unix milliseconds. */
export interface Invite {
  invite: string;
  by: string;
  created_at: number;
  expires_at: number;
  uses?: number;
  /** 0: without bound. */
  uses_max?: number;
  /** Whether an admin lets in whoever uses it. */
  approve?: boolean;
  label?: string;
  /** The address that the operator has set. */
  url?: string;
}

/** The place of a mention in a text, in code points. */
export interface Span {
  at: number;
  length: number;
  user: string;
}

export interface DraftBody {
  text?: string;
  reply_to?: number;
  mentions?: string[];
  spans?: Span[];
}

/** A draft of the account; `key`: that of the message that it becomes. */
export interface DraftRow {
  key: string;
  body: DraftBody;
  time: number;
}

/** A message that is sent at `at`; `error`: the code why it was not. */
export interface Scheduled {
  room: string;
  at: number;
  body: Body;
  error?: string;
}

/** A folder of the list of chats; 1 is the archive and has no row. */
export interface Folder {
  id: number;
  name: string;
}
