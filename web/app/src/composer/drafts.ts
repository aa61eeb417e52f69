/** Drafts: what waits in the composer of each room, or of a user there is no room with yet, stored by the SDK. */
import { client } from "../shell/state.js";

export interface Draft {
  text: string;
  /** Unix milliseconds of the last change. */
  time: number;
  reply_to?: number;
  /** The message that is edited, and what was typed before that. */
  edit?: number;
  aside?: Draft;
  /** The users that the text may name, by `@name`. */
  mentions?: Record<string, string>;
}

/** The draft at a place: the id of a room, or of a user. */
export function draftOf(place: string): Draft | undefined {
  return client().drafts.get(place) as Draft | undefined;
}

/** Keep a draft, or without one remove it; it is stored when this resolves. */
export function keepDraft(place: string, draft: Draft | undefined): Promise<void> {
  return client().setDraft(place, draft);
}
