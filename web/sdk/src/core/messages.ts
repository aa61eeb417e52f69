/** A message and its changes: the operations of the log of a room folded into one current state; pure.
 *
 * The one rule (protocol.md, "Event"): an operation counts only if its `seq` is above the `changed` of the message. So
 * replaying a log, in part or twice, gives the same message.
 */

import type { Body, Event } from "./packets.js";

/** A message in its current state. Numbers that do not apply are 0; times are Unix milliseconds. */
export interface Message {
  readonly room: string;
  readonly seq: number;
  readonly user: string;
  /** Clock of the server. */
  readonly time: number;
  /** The number among the messages that count as unread; 0: silent. */
  readonly ordinal: number;
  readonly key: string;
  /** Absent after a recall. */
  readonly body?: Body;
  /** The text of the body, empty if there is none. */
  readonly text: string;
  /** `seq` of the last event that changed it. */
  readonly changed: number;
  /** Time of the last edit. */
  readonly edited: number;
  readonly recalled: boolean;
  readonly pinned: boolean;
  /** Emoji and count. */
  readonly reactions: Readonly<Record<string, number>>;
  /** Own reactions. */
  readonly mine: readonly string[];
  /** Clock of the author's device, where it differs from `time`. */
  readonly composed_at: number;
  /** The post of the channel that it comments on (protocol.md, "Comments"). */
  readonly post?: number;
}

/** Messages of one stretch, ascending. `low` to `high` is what the page covers; `end`: nothing older is visible. */
export interface Page {
  readonly messages: readonly Message[];
  readonly low: number;
  readonly high: number;
  readonly seq: number;
  readonly end: boolean;
}

const BLANK = {
  user: "", time: 0, ordinal: 0, key: "", text: "", changed: 0, edited: 0, recalled: false, pinned: false, mine: [], composed_at: 0,
};

/** Return the message of a `message` event, which is always served in its current state (protocol.md, "Event"). */
export function messageFrom(room: string, { kind: _, body, ...state }: Event): Message {
  return withBody({ ...BLANK, ...state, room, reactions: counts(state) }, body);
}

/** Return the event that `messageFrom` makes the same message of: the form in which messages are stored. */
export function eventFrom(message: Message): Event {
  const { room, text, reactions, mine, ...rest } = message;
  const event: Record<string, unknown> = { kind: "message" };
  for (const [name, value] of Object.entries(rest)) if (value) event[name] = value;
  const entries = Object.entries(reactions).map(([emoji, count]) => ({ emoji, count }));
  if (entries.length) event.reactions = entries;
  if (mine.length) event.mine = mine;
  return event as unknown as Event;
}

/** Return the message after `operation`; the same object if the operation is older than its state.
 *
 * `me` is the own user, whose reactions move `mine`.
 */
export function changedBy(message: Message, operation: Event, me: string): Message {
  if (operation.seq <= message.changed) return message;
  return { ...OPERATIONS[operation.kind]!(message, operation, me), changed: operation.seq };
}

/** Return the message without its body, known to be recalled though its state is not known otherwise. */
export function emptied(message: Message): Message {
  return withBody({ ...message, recalled: true }, undefined);
}

/** Return the message with the own reaction, which the log of a large room does not hold (protocol.md, "react"). */
export function withOwnReaction(message: Message, emoji: string, present: boolean): Message {
  const others = message.mine.filter((other) => other !== emoji);
  return { ...message, mine: present ? [...others, emoji] : others };
}

type Operation = (message: Message, operation: Event, me: string) => Message;

/** Every kind of event that changes a message, with the function that returns the message after it. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  // Without a body, the message was recalled since, and the recall follows. The time of its edit stays true.
  edit: (message, { time, body }) => withBody({ ...message, edited: time ?? 0 }, body ?? message.body),
  recall: emptied,
  erased: emptied,
  reaction: (message, operation, me) => {
    const { emoji = "", set = false } = operation;
    const reactions = { ...message.reactions };
    reactions[emoji] = (reactions[emoji] ?? 0) + (set ? 1 : -1);
    if (reactions[emoji]! <= 0) delete reactions[emoji];
    const changed = { ...message, reactions };
    return operation.user === me ? withOwnReaction(changed, emoji, set) : changed;
  },
  reactions: (message, operation) => ({ ...message, reactions: counts(operation) }),
  pin: (message, { set }) => ({ ...message, pinned: !!set }),
};

/** Return those of the messages that an operation acts on; of `erased` see protocol.md, "Erased people". */
export function targetsOf(operation: Event, messages: ReadonlyMap<number, Message>): Message[] {
  const { kind, user, seq, target, from, to = seq } = operation;
  const one = messages.get(target!);
  if (kind !== "erased") return one ? [one] : [];
  return [...messages.values()].filter((message) => message.user === user && !(message.seq < from!) && message.seq <= to);
}

/** Whether an event of this kind changes a message. */
export function isOperation(kind: string): boolean {
  return Object.hasOwn(OPERATIONS, kind);
}

function withBody({ body: _, ...message }: Message, body: Body | undefined): Message {
  const text = body?.text;
  return { ...message, text: typeof text === "string" ? text : "", ...(body && { body }) };
}

function counts({ reactions = [] }: Pick<Event, "reactions">): Record<string, number> {
  return Object.fromEntries(reactions.map(({ emoji, count }) => [emoji, count]));
}
