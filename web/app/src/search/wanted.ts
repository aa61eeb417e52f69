/** The message that a chat is to show when it opens, or now if it is open. */
import { signal } from "@preact/signals";
import { closeDialog } from "../shell/dialog.js";
import { go } from "../shell/router.js";

export const wanted = signal<{ room: string; seq: number } | null>(null);

/** Show a message of a room. */
export function showMessage(room: string, seq: number): void {
  closeDialog();
  wanted.value = { room, seq };
  go({ name: "chat", room, about: false });
}

/** Return the number of the message that is wanted in a room, once; 0 if none is. */
export function takeWanted(room: string): number {
  const now = wanted.peek();
  if (now?.room !== room) return 0;
  wanted.value = null;
  return now.seq;
}
