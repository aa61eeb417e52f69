/** The actions beside the message under the pointer, or with the focus; its menu has the others. */
import type { Message } from "@chatd/client";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import type { Chat } from "./chat.js";

export function Actions({ chat, message }: { chat: Chat; message: Message }) {
  const open = (event: MouseEvent) => {
    const { left, bottom } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    chat.openMenu(message, event.currentTarget as HTMLElement, left, bottom + 4);
  };
  return (
    <div class="actions" role="group" aria-label={t("chat.actions")}>
      {!message.recalled && (
        <button type="button" class="action" aria-label={t("chat.reply")} title={t("chat.reply")} onClick={() => chat.reply(message)}>
          <Icon name="reply" />
        </button>
      )}
      <button
        type="button"
        class="action"
        aria-label={t("chat.more")}
        title={t("chat.more")}
        aria-haspopup="menu"
        onClick={open}
      >
        <Icon name={message.recalled ? "more" : "smile"} />
      </button>
    </div>
  );
}
