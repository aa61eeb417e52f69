/** Of which messages of one chat the user is notified: a row of its page, and the bell in its head. */
import type { Level } from "@chatd/client/people";
import { t } from "../locale/locale.js";
import { Choice } from "../shell/controls.js";
import { attempt } from "../shell/errors.js";
import type { IconName } from "../shell/icons.js";
import { Menu } from "../shell/menu.js";
import { isMuted, type RoomState } from "../shell/state.js";
import { LEVELS, wishes } from "./preferences.js";
import { usualOf } from "./usual.js";

type Wish = Level | "default";
const WISHES: readonly Wish[] = ["default", ...LEVELS];
const ICONS = { default: "settings", all: "bell", mentions: "tag", none: "bell-off" } as const;

const usually = (room: RoomState): Level => usualOf(room.summary.value, wishes());

/** Return the name of a choice; that of the account is said with what it is. */
function nameOf(wish: Wish, room: RoomState): string {
  return wish === "default" ? t(`push.usual.${usually(room)}`) : t(`push.level.${wish}`);
}

const wishOf = (room: RoomState): Wish => room.summary.value.notify ?? "default";
const set = (room: RoomState, notify: Wish) => void attempt(() => room.room.preferences({ notify }));

export function NotifyChoice({ room }: { room: RoomState }) {
  const options = WISHES.map((value) => ({ value, label: nameOf(value, room) }));
  return <Choice label={t("push.title")} value={wishOf(room)} options={options} onChange={(next) => set(room, next)} />;
}

/** How it stands with a chat: silent, mentions only, or everything. */
function iconOf(room: RoomState): IconName {
  const { notify, muted_until } = room.summary.value;
  const level = notify ?? usually(room);
  return level === "none" || isMuted({ muted_until }) ? "bell-off" : "bell";
}

/** The bell in the head of a chat, with the choices. */
export function RoomBell({ room }: { room: RoomState }) {
  const items = WISHES.map((wish) => ({
    icon: ICONS[wish],
    label: nameOf(wish, room),
    checked: wish === wishOf(room),
    onSelect: () => set(room, wish),
  }));
  return <Menu label={t("push.title")} icon={iconOf(room)} items={items} />;
}
