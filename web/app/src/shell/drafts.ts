/** Drafts as signals: the text that waits in the composer of each room, or of a user there is no room with yet. */
import { signal, type Signal } from "@preact/signals";
import { client } from "./state.js";

export interface Draft {
  text: string;
  /** `seq` of the message it answers. */
  reply_to?: number;
  /** The users that the text may name, by `@name`. */
  mentions?: Record<string, string>;
  /** The edit of the own message `seq`, for which the rest was put aside. */
  edit?: { seq: number; text: string; mentions?: Record<string, string> };
}

const NONE: Draft = { text: "" };
const drafts = new Map<string, Signal<Draft>>();

/** The draft of a room, or of a user without a room; without text if there is none. */
export function draftOf(place: string): Signal<Draft> {
  let draft = drafts.get(place);
  if (!draft) drafts.set(place, (draft = signal(stored(place))));
  return draft;
}

/** Keep the draft of a room; one of spaces that answers nothing ends it. Resolves when it is stored. */
export async function keepDraft(place: string, draft: Draft): Promise<void> {
  const kept = draft.text.trim() || draft.reply_to || draft.edit ? draft : undefined;
  draftOf(place).value = kept ?? NONE;
  await client().setDraft(place, kept);
}

/** The draft of a place was written, here or in another tab. */
export function draftChanged(place: string): void {
  const draft = drafts.get(place);
  if (draft) draft.value = stored(place);
}

/** Another user, or none, is signed in. */
export function forgetDrafts(): void {
  drafts.clear();
}

const stored = (place: string): Draft => (client().drafts.get(place) as Draft | undefined) ?? NONE;
