/** The changes that a client reports to its app: plain records, told apart by `kind`.
 *
 * State lives in the rooms (`client.rooms`); a change says what moved, so that a screen can follow. Everything in a
 * change survives a structured clone, since the tabs of one user tell each other.
 */

import type { Message } from "./messages.js";
import type { ErrorReply, Event } from "./packets.js";
import type { Phase } from "./states.js";

/** The connection moved to another phase; on "stopped" `code` and `reason` say why. */
export interface StateChanged { kind: "stateChanged"; phase: Phase; code: number; reason: string }

/** A room appeared, or its title, role, counters or other summary keys moved. */
export interface RoomChanged { kind: "roomChanged"; room: string }

/** The user is no longer in the room: `left`, `removed`, `banned`, `deleted`, or `forgotten` after a full sync. */
export interface RoomGone { kind: "roomGone"; room: string; reason: string }

/** The room's head moved and its content was not fetched (protocol.md, "head"). */
export interface RoomMoved { kind: "roomMoved"; room: string; seq: number; ordinal: number }

/** A message that is new to this client: live, or missed while away. Each comes once, in the order of the room. */
export interface MessageAdded { kind: "messageAdded"; room: string; message: Message }

/** A cached message was edited, recalled, pinned, or its reactions moved. */
export interface MessageChanged { kind: "messageChanged"; room: string; message: Message }

/** Another event in the log: membership, roles, settings, a notice, or an unknown kind (see `fallback`). */
export interface EventAdded { kind: "eventAdded"; room: string; event: Event }

/** Too much was missed: the newest page is cached now, older messages are fetched on demand. */
export interface TimelineReset { kind: "timelineReset"; room: string }

/** These users have read, or received, more of the room. */
export interface ReceiptsChanged { kind: "receiptsChanged"; room: string; users: string[] }

/** A user is typing, or speaks a `voice` message. */
export interface TypingStarted { kind: "typingStarted"; room: string; user: string; what?: string }

/** A user stopped typing, or their message came. */
export interface TypingStopped { kind: "typingStopped"; room: string; user: string }

/** A voice message is spoken (`live`, which is said again while it goes on), or is over: `LiveNotes` of
 * `@chatd/client/media` follows them. */
export interface VoiceChanged { kind: "voice"; room: string; user: string; file: string; state: string }

/** The presence of a watched user changed to `online`, `away` or `offline`. `last_seen` in ms, 0 if unknown. */
export interface PresenceChanged { kind: "presenceChanged"; user: string; state: string; last_seen: number }

/** A row of the account that has no change of its own changed, on whatever device, or was deleted
 * (`client.accountRows(section)`). */
export interface AccountChanged { kind: "accountChanged"; section: string; name: string }

/** These users are other contacts now, or none any more (`client.contacts`). */
export interface ContactsChanged { kind: "contactsChanged"; users: string[] }

/** A circle was made, renamed or deleted (`client.circles`). */
export interface CirclesChanged { kind: "circlesChanged" }

/** Rules say anew who may do what (`client.privacy`). */
export interface PrivacyChanged { kind: "privacyChanged" }

/** The own card changed (`client.profile`). */
export interface ProfileChanged { kind: "profileChanged" }

/** The cards of these users were fetched, or are known to be old (`client.users`). */
export interface UsersChanged { kind: "usersChanged"; users: string[] }

/** The draft at a place was written, here or in another tab (`client.drafts`). */
export interface DraftChanged { kind: "draftChanged"; place: string }

/** An entry was put into the outbox, here or in another tab. */
export interface SendQueued { kind: "sendQueued"; room: string; key: string }

/** An entry of the outbox is durable: it became event `seq` of the room (0 where nothing is logged). */
export interface SendDone {
  kind: "sendDone"; room: string; key: string; seq: number; ordinal: number; time: number; duplicate: boolean;
}

/** An entry of the outbox was refused for now and will be tried again. */
export interface SendDelayed { kind: "sendDelayed"; room: string; key: string; error: ErrorReply }

/** An entry of the outbox was refused for good; it stays there until `resend` or `discard`. */
export interface SendFailed { kind: "sendFailed"; room: string; key: string; error: ErrorReply }

/** An entry was taken out of the outbox by `discard`. */
export interface SendDiscarded { kind: "sendDiscarded"; room: string; key: string }

/** The storage failed: from here on nothing of this client survives its tab or process. */
export interface StorageLost { kind: "storageLost"; reason: string }

/** Changes were not reported one by one. Read the state of all rooms again. */
export interface ChangesMissed { kind: "changesMissed" }

export type Change =
  | StateChanged | RoomChanged | RoomGone | RoomMoved | MessageAdded | MessageChanged | EventAdded | TimelineReset
  | ReceiptsChanged | TypingStarted | TypingStopped | VoiceChanged | PresenceChanged | AccountChanged | ContactsChanged
  | CirclesChanged | PrivacyChanged | ProfileChanged | UsersChanged | DraftChanged
  | SendQueued | SendDone | SendDelayed | SendFailed | SendDiscarded | StorageLost | ChangesMissed;
