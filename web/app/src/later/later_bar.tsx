/** Above the composer: how many messages of this chat are sent later, or could not be. */
import "../search/styles.js";
import { t } from "../locale/locale.js";
import { momentOf } from "../locale/moments.js";
import { Icon } from "../shell/icons.js";
import { openLater } from "./open.js";
import { laterIn } from "./waiting.js";

export function LaterBar({ room }: { room: string }) {
  const rows = laterIn(room);
  const failed = rows.filter(({ error }) => error).length;
  const next = rows.find(({ error }) => !error);
  if (!rows.length) return null;
  const text = failed ? t("later.bar.failed", { count: failed }) : t("later.bar", { count: rows.length, time: momentOf(next!.at) });
  return (
    <button type="button" class={failed ? "room-bar room-bar-action later-bar failed" : "room-bar room-bar-action later-bar"} onClick={() => openLater(room)}>
      <Icon name={failed ? "alert" : "clock"} />
      <span class="room-bar-text">{text}</span>
      <Icon name="forward" />
    </button>
  );
}
