/** Which voice messages were heard: by this user, and in a direct room by the other. */
import { signal } from "@preact/signals";
import type { Message } from "@chatd/client";
import { played } from "@chatd/client/media";
import { client, me } from "../shell/state.js";
import type { Chat } from "../timeline/chat.js";

/** What was heard on this page: the summary says it a moment later. */
const heardHere = signal<ReadonlySet<string>>(new Set());

/** Numbers that a summary has at most: of older messages nothing is kept. */
const KEPT = 64;

/** Whether a voice message was heard (protocol.md, "Voice notes"); an own one counts as heard while nothing is known. */
export function isHeard(chat: Chat, { room, seq, user }: Message): boolean {
  const { played: own = [], peer_played: theirs, peer } = chat.state.summary.value;
  const numbers = user === me.value ? (peer ? theirs : undefined) : own;
  if (!seq || !numbers) return true;
  const isOld = numbers.length >= KEPT && seq < Math.min(...numbers);
  return isOld || numbers.includes(seq) || heardHere.value.has(`${room} ${seq}`);
}

/** Note that this user hears a voice message of another. */
export function noteHeard(chat: Chat, message: Message): void {
  if (message.user === me.peek() || !message.seq || isHeard(chat, message)) return;
  heardHere.value = new Set([...heardHere.peek(), `${message.room} ${message.seq}`]);
  void played(client(), message.room, message.seq).catch(() => undefined);
}
