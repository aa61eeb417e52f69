/** Drafts on all devices of the user: what is kept here (shell/drafts.ts) goes to their account, and comes from there. */
import { effect } from "@preact/signals";
import { Drafts, newKey, type DraftBody } from "@chatd/client/conversations";
import { draftOf, keepDraft } from "../shell/drafts.js";
import { client, signedIn } from "../shell/state.js";
import { fromBody, toBody } from "./draft_bodies.js";
import { mentionOf } from "./mentions.js";

let drafts: Drafts | undefined;

effect(() => {
  if (!signedIn.value) return;
  const own = new Drafts(client(), { read: (room) => toBody(draftOf(room).peek()), take });
  drafts = own;
  return () => (own.stop(), (drafts = undefined));
});
document.addEventListener("visibilitychange", () => document.hidden && void drafts?.flush());

/** Note that the draft of a room is about to change. */
export const draftTyped = (room: string): void => drafts?.typed(room);

/** Send the draft of a room that is left. */
export async function draftLeft(room: string): Promise<void> {
  await drafts?.flush(room);
}

/** Return the key of the message that the draft of a room becomes, which ends it. */
export const draftPosted = (room: string): string => drafts?.post(room) ?? newKey();

/** The draft of a room became messages under other keys. */
export async function draftGone(room: string): Promise<void> {
  drafts?.typed(room);
  await keepDraft(room, { text: "" });
  await drafts?.flush(room);
}

function take(room: string, body: DraftBody | undefined): void {
  const { edit } = draftOf(room).peek();
  void keepDraft(room, { ...fromBody(body, mentionOf), ...(edit && { edit }) });
}
