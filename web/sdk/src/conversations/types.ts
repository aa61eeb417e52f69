/** The objects of conversations (protocol.md, "Conversations"). */

import type { Body, Policy, Span } from "../core/packets.js";

export type { Policy, Span };
export type Role = NonNullable<Policy["invite"]>;

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
