/** The reactions to a message: a chip for each emoji; pressing one adds the own, or takes it back. */
import type { Message } from "@chatd/client";
import { number, t } from "../locale/locale.js";
import type { Chat } from "./chat.js";

export function Reactions({ chat, message }: { chat: Chat; message: Message }) {
  const entries = Object.entries(message.reactions);
  if (entries.length === 0) return null;
  return (
    <div class="reactions">
      {entries.map(([emoji, count]) => {
        const own = message.mine.includes(emoji);
        return (
          <button
            key={emoji}
            type="button"
            class={own ? "reaction own" : "reaction"}
            aria-pressed={own}
            aria-label={t("chat.reaction", { emoji, count })}
            disabled={message.recalled && !own}
            onClick={() => chat.react(message, emoji)}
          >
            <span>{emoji}</span> {number(count)}
          </button>
        );
      })}
    </div>
  );
}
