/** The choice of chats that something is sent to: those that the user may write in. */
import "../style/pages.js";
import { useSignal, type Signal } from "@preact/signals";
import { hindranceOf } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { isBlocked } from "../shell/contacts.js";
import { allRooms, me, type RoomState } from "../shell/state.js";
import { faceOf, titleOf } from "./names.js";
import { matches } from "./search.js";

/** Most chats that are listed; a longer search finds the others. */
const LISTED = 50;

/** The chats that the user may write in and that fit a search, the latest first. */
function candidates(search: string): RoomState[] {
  const open = allRooms().filter(({ summary: { value: summary } }) => {
    if (summary.request || (summary.peer && isBlocked(summary.peer))) return false;
    return !hindranceOf(summary) || summary.peer === me.value;
  });
  const found = open.filter((room) => matches(search, titleOf(room), room.summary.value.peer));
  return found.sort((one, other) => other.time - one.time).slice(0, LISTED);
}

/** A search, and the chats that fit it. */
export function ChatChoice({ chosen, problem }: { chosen: Signal<readonly RoomState[]>; problem: string }) {
  const search = useSignal("");
  const toggle = (room: RoomState, on: boolean) =>
    (chosen.value = on ? [...chosen.value, room] : chosen.value.filter((one) => one !== room));
  const found = candidates(search.value);
  return (
    <>
      <input
        type="search"
        class="field"
        autoFocus
        aria-label={t("forward.find")}
        placeholder={t("forward.find")}
        value={search}
        onInput={(event) => (search.value = event.currentTarget.value)}
      />
      <p class="problem" role="alert">
        {problem}
      </p>
      <ul class="picker" aria-label={t("nav.chats")}>
        {found.map((room) => (
          <li key={room.id}>
            <Target room={room} on={chosen.value.includes(room)} onChange={(on) => toggle(room, on)} />
          </li>
        ))}
      </ul>
      {!found.length && <p class="quiet picker-none">{t("forward.none")}</p>}
    </>
  );
}

interface TargetProps {
  room: RoomState;
  on: boolean;
  onChange: (on: boolean) => void;
}

function Target({ room, on, onChange }: TargetProps) {
  return (
    <label class="setting">
      <Avatar {...faceOf(room)} online={false} size="header" />
      <span class="setting-text">
        <span class="line">
          <bdi>{titleOf(room)}</bdi>
        </span>
      </span>
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.currentTarget.checked)} />
    </label>
  );
}
