/** Which voice messages were heard: by this user, and in a direct room by the other. */
import { signal } from "@preact/signals";
import type { Message, Summary } from "@chatd/client";
import { played } from "@chatd/client/media";
import { client, me } from "../shell/state.js";
import type { Chat } from "../timeline/chat.js";

/** What a summary says of heard messages: the newest numbers (protocol.md, "Voice notes"). */
type Heard = Summary & { readonly played?: readonly number[]; readonly peer_played?: readonly number[] };

/** What was heard on this page: the summary says it a moment later. */
const heardHere = signal<ReadonlySet<string>>(new Set());

/** Whether a voice message was heard; where nothing is known of it, it counts as heard. */
export function isHeard(chat: Chat, { room, seq, user }: Message): boolean {
  const { played: own, peer_played: theirs, peer } = chat.state.summary.value as Heard;
  if (!seq) return true;
  const numbers = user === me.value ? (peer ? theirs : undefined) : own;
  if (!numbers) return true;
  // Of the older ones nothing is kept.
  const isOld = numbers.length >= 64 && seq < Math.min(...numbers);
  return isOld || numbers.includes(seq) || heardHere.value.has(`${room} ${seq}`);
}

/** Note that this user hears a voice message of another. */
export function noteHeard(chat: Chat, message: Message): void {
  if (message.user === me.peek() || !message.seq || isHeard(chat, message)) return;
  heardHere.value = new Set([...heardHere.peek(), `${message.room} ${message.seq}`]);
  void played(client(), message.room, message.seq).catch(() => undefined);
}
