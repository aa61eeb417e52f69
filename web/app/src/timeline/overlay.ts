/** A message with the own changes that the server has not stored yet; pure. */
import type { Entry, Message } from "@chatd/client";

/** Return the message as it will be when these entries of the outbox are stored. */
export function shownState(message: Message, waiting: readonly Entry[]): Message {
  let shown = message;
  for (const { packet, state } of waiting) {
    if (packet.target === message.seq && state !== "failed") shown = applied(shown, packet);
  }
  return shown;
}

/** Return the message that a request to send becomes; it has no number yet. */
export function pendingMessage({ room, key, body, composed_at }: Entry["packet"], user: string): Message {
  const time = Number(composed_at) || 0;
  const numbers = { seq: 0, ordinal: 0, changed: 0, edited: 0, time, composed_at: time };
  return { room, key, user, body, text: body.text ?? "", recalled: false, pinned: false, reactions: {}, mine: [], ...numbers };
}

/** Whether one of these entries edits or recalls the message. */
export function isChanging(seq: number, waiting: readonly Entry[]): boolean {
  return waiting.some(({ packet }) => packet.target === seq && (packet.type === "edit" || packet.type === "recall"));
}

function applied(message: Message, packet: Entry["packet"]): Message {
  if (packet.type === "edit") {
    return { ...message, body: packet.body, text: packet.body.text ?? "", edited: message.edited || message.time };
  }
  if (packet.type === "recall") {
    const { body: _, ...rest } = message;
    return { ...rest, text: "", recalled: true };
  }
  if (packet.type === "pin") return { ...message, pinned: packet.set };
  if (packet.type !== "react" || message.mine.includes(packet.emoji) === packet.set) return message;
  const count = (message.reactions[packet.emoji] ?? 0) + (packet.set ? 1 : -1);
  const { [packet.emoji]: _, ...others } = message.reactions;
  const mine = message.mine.filter((emoji) => emoji !== packet.emoji);
  return {
    ...message,
    reactions: count > 0 ? { ...message.reactions, [packet.emoji]: count } : others,
    mine: packet.set ? [...mine, packet.emoji] : mine,
  };
}
