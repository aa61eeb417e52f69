/** The message that another answers: author and one line, in a box of one size, so that nothing moves when it comes. */
import type { Message } from "@chatd/client";
import { t } from "../locale/locale.js";
import { wordsOf } from "../shell/attachment_words.js";
import { colourOf } from "../shell/avatar.js";
import { isBlocked } from "../shell/contacts.js";
import { me } from "../shell/state.js";
import type { Chat } from "./chat.js";

export function Quote({ chat, seq }: { chat: Chat; seq: number }) {
  const message = chat.model.quoted(seq).value;
  const name = message && (message.user === me.value ? t("chat.you") : chat.nameOf(message.user));
  return (
    <button
      type="button"
      class={`quote ${message ? `edge-${colourOf(message.user)}` : ""}`}
      disabled={message === null}
      onClick={() => void chat.jump(seq)}
    >
      <bdi class="line quote-name">{name || "\u00a0"}</bdi>
      <bdi class="line quote-text">{message === null ? t("chat.quote-gone") : message ? summaryOf(message) : "\u00a0"}</bdi>
    </button>
  );
}

type Summed = Pick<Message, "user" | "recalled" | "text" | "body">;

/** One line about a message. */
export function summaryOf({ user, recalled, text, body }: Summed): string {
  if (isBlocked(user)) return t("chat.covered");
  if (recalled) return t("chat.recalled");
  return text.slice(0, 200).replace(/\s+/gu, " ") || wordsOf(body);
}
