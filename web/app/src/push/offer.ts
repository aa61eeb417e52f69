/** The moment to ask whether to notify of answers: after the first message, where the user may be asked. */
import { signal } from "@preact/signals";
import { pushOffer } from "../shell/contacts.js";
import { hasWorker, wish } from "../shell/push.js";
import type { RoomState } from "../shell/state.js";

/** The room in which the user wrote first; empty: nobody is asked. */
export const askedIn = signal("");
/** Whether anybody is asked, so that the question is worth loading. */
export const mayBeAsked = signal(false);

/** Ask in this room, unless the user was asked before, or there is nothing to ask for. */
export function offerPush(room: RoomState): void {
  if (!hasWorker.peek() || !pushOffer.peek()?.platforms.includes("web") || wish() !== null) return;
  mayBeAsked.value = true;
  askedIn.value ||= room.id;
}
