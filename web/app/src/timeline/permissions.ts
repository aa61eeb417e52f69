/** The changes of a message that its reader may ask for, as far as the client knows; the server decides. */
import type { Attachment, Message, Summary } from "@chatd/client";
import { hindranceOf, may, rulesOf } from "@chatd/client/conversations";
import { isOfServer, kindOf } from "../media/kinds.js";

/** The default of `edit_window` (protocol.md, "Thresholds"), which no reply names. */
const EDIT_WINDOW_MS = 86_400_000;

export interface Permissions {
  readonly react: boolean;
  readonly reply: boolean;
  readonly edit: boolean;
  readonly recall: boolean;
  readonly pin: boolean;
  readonly forward: boolean;
}

/** Whether a message without a text may get one: below pictures and files. */
function hasCaption({ body }: Message): boolean {
  const attachments: readonly Attachment[] = body?.attachments ?? [];
  return attachments.length > 0 && attachments.every((one) => isOfServer(one) && !["voice", "sticker"].includes(kindOf(one)));
}

/** Return the permissions of `me` for a message at the time `now`. */
export function permissionsFor(message: Message, summary: Summary, me: string, now: number): Permissions {
  const own = message.user === me && now - message.time < EDIT_WINDOW_MS;
  const leads = !summary.peer && (summary.role === "admin" || summary.role === "owner");
  const there = !message.recalled;
  const why = hindranceOf(summary, 0, now)?.kind;
  return {
    // Who follows a channel reacts to its posts.
    react: there && (!why || (summary.kind === "channel" && why === "staff_only")),
    reply: there && !why,
    // What was forwarded nobody changes, and a card has no words of its own.
    edit: there && own && !message.body?.forwarded && !message.body?.card && !why && (message.text !== "" || hasCaption(message)),
    recall: there && (own || leads),
    forward: there && message.seq > 0 && !rulesOf(summary).no_forward,
    pin: (message.pinned || there) && may(summary, "pin"),
  };
}
