/** The objects of conversations (protocol.md, "Conversations"). */

import type { Body, Invite, JoinRow, Policy, RoomCard, RoomsFindReply, Span } from "../core/packets.js";

export type { Invite, Policy, RoomCard, Span };
/** A page of listed rooms; `more`: ask with it for the next. */
export type FoundRooms = RoomsFindReply;
export type Role = NonNullable<Policy["invite"]>;

/** A request to join that waits, or an offer of a member. */
export type Join = JoinRow;

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
