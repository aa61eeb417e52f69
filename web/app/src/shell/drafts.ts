/** Drafts: the text that waits in the composer of each room, or of a user there is no room with yet.
 *
 * They lie in localStorage, because writing there is done when the call returns: a draft written as the page is hidden
 * survives the end of the tab. Other tabs hear of it by the `storage` event.
 */
import { signal, type Signal } from "@preact/signals";

const drafts = new Map<string, Signal<string>>();
let prefix = "";

/** Follow the drafts of this user. */
export function startDrafts(user: string): void {
  prefix = `chatd:${user}:draft:`;
  for (const [id, draft] of drafts) draft.value = read(id);
  addEventListener("storage", (event) => {
    if (event.key?.startsWith(prefix)) draftOf(event.key.slice(prefix.length)).value = event.newValue ?? "";
  });
}

/** The draft of a room, or of a user without a room; empty if there is none. */
export function draftOf(id: string): Signal<string> {
  let draft = drafts.get(id);
  if (!draft) drafts.set(id, (draft = signal(read(id))));
  return draft;
}

/** Keep the text as the draft of a room; an empty one, or one of spaces, ends it. */
export function keepDraft(id: string, text: string): void {
  const kept = text.trim() ? text : "";
  draftOf(id).value = kept;
  try {
    if (kept) localStorage.setItem(prefix + id, kept);
    else localStorage.removeItem(prefix + id);
  } catch {
    // Storage is full or forbidden: the draft lives in this tab, as the banner says.
  }
}

function read(id: string): string {
  try {
    return (prefix && localStorage.getItem(prefix + id)) || "";
  } catch {
    return "";
  }
}
