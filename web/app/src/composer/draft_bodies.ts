/** Drafts as the account has them, and as they are kept here; pure. */
import type { DraftBody } from "@chatd/client/conversations";
import type { Draft } from "../shell/drafts.js";

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

/** Return a draft of the account as it is kept here; `mentionOf`: the text that mentions a user. */
export function fromBody({ text = "", reply_to, mentions = [], spans = [] }: DraftBody = {}, mentionOf: (user: string) => string): Draft {
  const signs = [...text];
  const named = spans.map(({ at, length, user }) => [signs.slice(at, at + length).join(""), user] as const);
  const others = mentions.filter((user) => !spans.some((span) => span.user === user)).map((user) => [mentionOf(user), user] as const);
  const all = Object.fromEntries([...named, ...others].filter(([name]) => name));
  return { text, ...(reply_to && { reply_to }), ...(Object.keys(all).length && { mentions: all }) };
}
