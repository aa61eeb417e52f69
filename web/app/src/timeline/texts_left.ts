/** How many texts a stranger may still write to somebody who has not accepted them. */
import { contactOf, peopleOn } from "../shell/contacts.js";
import { me } from "../shell/state.js";
import type { Chat } from "./chat.js";

/** Texts before an answer (docs/configuration.md, `people.request_texts`), where the server has the usual number. */
const TEXTS = 3;

/** Return the number; undefined where both may write. Until the other wrote, or they are friends, it is not known
 * whether they accepted: then nothing but the own texts is there. */
export function textsLeft(chat: Chat): number | undefined {
  const { peer } = chat.state.summary.value;
  if (!peopleOn.value || !peer || contactOf(peer)?.state === "friend") return undefined;
  const isRefused = chat.model.waiting.value.some(({ state, error }) => state === "failed" && error?.code === "request_pending");
  if (isRefused) return 0;
  const { messages, first, last } = chat.model.stretch.value;
  const { length } = messages;
  const isAsking = first && last && length > 0 && length < TEXTS && messages.every(({ user }) => user === me.value);
  return isAsking ? TEXTS - length : undefined;
}
