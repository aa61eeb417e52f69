/** What a room is called and looks like: a group by its title, a direct room by its other user. */
import { t } from "../locale/locale.js";
import { me, presenceOf, type Presence, type RoomState } from "../shell/state.js";
import { dateAndTime, shortTime } from "../locale/dates.js";
import { userOf } from "../shell/users.js";

/** The name of a room. */
export function titleOf(room: RoomState): string {
  const { peer, title } = room.summary.value;
  if (peer === me.value) return t("room.self");
  return peer ? userOf(peer).value.name : title || t("room.untitled");
}

/** What an avatar of the room needs; the colour of a direct room is that of its user. */
export function faceOf(room: RoomState): { id: string; name: string; picture: string; online: boolean } {
  const { peer, avatar } = room.summary.value;
  const picture = peer ? userOf(peer).value.avatar : avatar;
  return { id: peer || room.id, name: titleOf(room), picture, online: peer !== me.value && presenceOf(peer).value.state === "online" };
}

/** A sentence about the presence of a user; empty if nothing is known. */
export function presenceText({ state, last_seen }: Presence): string {
  if (state === "online") return t("presence.online");
  if (state === "away") return t("presence.away");
  return last_seen ? t("presence.seen", { time: shortTime(last_seen) }) : "";
}

/** The exact time of a presence, for a tooltip. */
export function presenceTitle({ state, last_seen }: Presence): string | undefined {
  return state === "offline" && last_seen ? dateAndTime(last_seen) : undefined;
}
