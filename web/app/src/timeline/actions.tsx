/** The actions beside the message under the pointer; its menu has all of them, and is where the keyboard gets to. */
import type { Message } from "@chatd/client";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { me } from "../shell/state.js";
import type { Chat } from "./chat.js";
import { permissionsFor } from "./permissions.js";

export function Actions({ chat, message }: { chat: Chat; message: Message }) {
  const open = (event: MouseEvent) => {
    const { left, bottom } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    chat.openMenu(message, event.currentTarget as HTMLElement, left, bottom + 4);
  };
  return (
    <div class="actions" role="group" aria-label={t("chat.actions")}>
      {permissionsFor(message, chat.state.summary.value, me.value, Date.now()).reply && (
        <button
          type="button"
          class="action"
          tabIndex={-1}
          aria-label={t("chat.reply")}
          title={t("chat.reply")}
          onClick={() => chat.reply(message)}
        >
          <Icon name="reply" />
        </button>
      )}
      <button
        type="button"
        class="action"
        tabIndex={-1}
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
