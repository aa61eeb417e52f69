/** Drafts on all devices of the user: what is kept here (shell/drafts.ts) goes to their account, and comes from there. */
import { effect } from "@preact/signals";
import { Drafts, newKey, type DraftBody } from "@chatd/client/conversations";
import { type Draft, draftOf, keepDraft } from "../shell/drafts.js";
import { client, signedIn } from "../shell/state.js";
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
  void keepDraft(room, { ...fromBody(body), ...(edit && { edit }) });
}

/** Return a draft as the account has it; places are counted in characters, not in units of UTF-16. */
export function toBody({ text, reply_to, mentions = {} }: Draft): DraftBody {
  const named = Object.entries(mentions).filter(([name]) => text.includes(name));
  const spans = named.flatMap(([name, user]) => {
    if (user === "*") return [];
    return [{ at: [...text.slice(0, text.indexOf(name))].length, length: [...name].length, user }];
  });
  return {
    text,
    ...(reply_to && { reply_to }),
    ...(named.length && { mentions: [...new Set(named.map(([, user]) => user))] }),
    ...(spans.length && { spans: spans.sort((one, other) => one.at - other.at) }),
  };
}

/** Return a draft of the account as it is kept here. */
export function fromBody({ text = "", reply_to, mentions = [], spans = [] }: DraftBody = {}): Draft {
  const signs = [...text];
  const named = spans.map(({ at, length, user }) => [signs.slice(at, at + length).join(""), user] as const);
  const others = mentions.filter((user) => !spans.some((span) => span.user === user)).map((user) => [mentionOf(user), user] as const);
  const all = Object.fromEntries([...named, ...others].filter(([name]) => name));
  return { text, ...(reply_to && { reply_to }), ...(Object.keys(all).length && { mentions: all }) };
}
