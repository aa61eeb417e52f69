/** The chats that the number on the icon counts, each with the reason. */
import "../search/styles.js";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { badgeRooms, type Badge } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { faceOf, titleOf } from "../rooms/names.js";
import { Avatar } from "../shell/avatar.js";
import { Count } from "../shell/count.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { allRooms, client, roomOf } from "../shell/state.js";
import { openUnread } from "./open.js";
import { isUnread, markRead } from "./read_rooms.js";

type Row = Badge["rooms"][number];

/** Most pages that are asked for. */
const PAGES_MAX = 10;

export function UnreadChats() {
  const badge = useSignal(0);
  const rows = useSignal<readonly Row[] | undefined>(undefined);
  const problem = useSignal("");
  useEffect(() => {
    void (async () => {
      const found: Row[] = [];
      try {
        let more: string | undefined;
        for (let pages = 0; pages < PAGES_MAX && (pages === 0 || more); pages++) {
          const page = await badgeRooms(client(), more);
          badge.value = page.badge;
          found.push(...page.rooms);
          more = page.more;
        }
        rows.value = found;
      } catch (error) {
        problem.value = errorText(error);
      }
    })();
  }, []);
  const unread = allRooms().filter(isUnread);
  const quiet = rows.value ? unread.filter(({ id }) => !rows.value!.some(({ room }) => room === id)).length : 0;
  const readAll = () => void attempt(async () => (await markRead(unread), closeDialog()));
  const actions = unread.length > 0 && (
    <button type="submit" class="button primary">
      {t("unread.read-all")}
    </button>
  );
  return (
    <Dialog title={t("unread.title")} actions={actions} onSubmit={readAll}>
      <p class="problem" role="alert">
        {problem}
      </p>
      <p class="quiet small" role="status">
        {rows.value && t(badge.value ? "unread.badge" : "unread.badge.none", { number: badge.value })}
      </p>
      <ul class="hits">
        {rows.value?.map((row) => (
          <li key={row.room}>
            <Chat row={row} />
          </li>
        ))}
      </ul>
      {quiet > 0 && <p class="quiet small">{t("unread.quiet", { count: quiet })}</p>}
    </Dialog>
  );
}

function Chat({ row: { room: id, counts, why } }: { row: Row }) {
  const room = roomOf(id);
  if (!room) return null;
  return (
    <button type="button" class="hit" onClick={() => openUnread(id)}>
      <Avatar {...faceOf(room)} size="header" />
      <span class="hit-text">
        <span class="line name">
          <bdi>{titleOf(room)}</bdi>
        </span>
        <span class="small quiet">{t(`unread.why.${why}`, { count: counts })}</span>
      </span>
      <Count count={counts} />
    </button>
  );
}
