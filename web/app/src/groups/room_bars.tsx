/** Above the messages of a group: its announcement, and those who ask to join. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { announce, may } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { confirm, openDialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { me } from "../shell/state.js";
import { keep, kept } from "../shell/web_storage.js";
import type { Chat } from "../timeline/chat.js";
import { summaryOf } from "../timeline/quote.js";

export function RoomBars({ chat }: { chat: Chat }) {
  const { joins = 0, announcement = 0 } = chat.state.summary.value;
  return (
    <div class="room-bars">
      {announcement > 0 && <Announcement key={announcement} chat={chat} seq={announcement} />}
      {joins > 0 && <Joins chat={chat} count={joins} />}
    </div>
  );
}

/** The message that is shown above all others; who has read it may close it, on this device. */
function Announcement({ chat, seq }: { chat: Chat; seq: number }) {
  const place = `chatd:${me.value}:announcement:${chat.state.id}`;
  const closed = useSignal(kept("localStorage", place) === `${seq}`);
  const message = chat.model.quoted(seq).value;
  const leads = may(chat.state.summary.value, "info");
  if (closed.value || message === null) return null;
  const close = () => (keep("localStorage", place, `${seq}`), (closed.value = true));
  const onConfirm = () => void attempt(() => announce(chat.state.room, 0));
  const remove = () =>
    confirm({ title: t("announcement.remove"), text: t("announcement.remove.text"), action: t("announcement.remove"), onConfirm });
  return (
    <section class="room-bar" aria-label={t("announcement.title")}>
      <Icon name="megaphone" />
      <button type="button" class="room-bar-text" onClick={() => void chat.jump(seq)}>
        <span class="small room-bar-title">{t("announcement.title")}</span>
        <bdi class="room-bar-words">{message ? summaryOf(message) : "…"}</bdi>
      </button>
      {leads && (
        <button type="button" class="icon-button" aria-label={t("announcement.remove")} title={t("announcement.remove")} onClick={remove}>
          <Icon name="trash" />
        </button>
      )}
      <button type="button" class="icon-button" aria-label={t("announcement.close")} title={t("announcement.close")} onClick={close}>
        <Icon name="close" />
      </button>
    </section>
  );
}

function Joins({ chat, count }: { chat: Chat; count: number }) {
  const open = () => openDialog(async () => (await import("./joins_dialog.js")).JoinsDialog, { room: chat.state });
  return (
    <button type="button" class="room-bar room-bar-action" onClick={() => void open()}>
      <Icon name="person-add" />
      <span class="room-bar-text">{t("joins.row", { count })}</span>
      <Icon name="forward" />
    </button>
  );
}
