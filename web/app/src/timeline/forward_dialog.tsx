/** The dialog that copies messages into other chats. */
import "../style/pages.js";
import { useSignal } from "@preact/signals";
import { forward, hindranceOf } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { faceOf, titleOf } from "../rooms/names.js";
import { matches } from "../rooms/search.js";
import { notify } from "../shell/announcer.js";
import { Avatar } from "../shell/avatar.js";
import { isBlocked } from "../shell/contacts.js";
import { Switch } from "../shell/controls.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import { allRooms, me, type RoomState } from "../shell/state.js";
import type { Chat } from "./chat.js";

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

interface ForwardProps {
  chat: Chat;
  /** In the order of the log. */
  seqs: readonly number[];
}

export function ForwardDialog({ chat, seqs }: ForwardProps) {
  const [search, problem] = [useSignal(""), useSignal("")];
  const [credit, busy] = [useSignal(true), useSignal(false)];
  const chosen = useSignal<readonly RoomState[]>([]);
  const send = async () => {
    if (!chosen.value.length || busy.value) return;
    busy.value = true;
    problem.value = "";
    try {
      for (const room of chosen.value) {
        await forward(chat.state.room, seqs, room.room, { credit: credit.value });
        // A second attempt is for those that are left.
        chosen.value = chosen.value.filter((one) => one !== room);
      }
      chat.select(null);
      closeDialog();
      notify(t("forward.done"));
    } catch (error) {
      problem.value = errorText(error);
    }
    busy.value = false;
  };
  const toggle = (room: RoomState, on: boolean) =>
    (chosen.value = on ? [...chosen.value, room] : chosen.value.filter((one) => one !== room));
  const found = candidates(search.value);
  const actions = (
    <button type="submit" class="button primary" disabled={!chosen.value.length || busy.value}>
      {t("forward.send", { count: chosen.value.length })}
    </button>
  );
  return (
    <Dialog title={t("forward.title", { count: seqs.length })} actions={actions} onSubmit={() => void send()}>
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
      <Credit chat={chat} on={credit.value} onChange={(on) => (credit.value = on)} />
    </Dialog>
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

/** A post of a channel always says where it comes from. */
function Credit({ chat, on, onChange }: { chat: Chat; on: boolean; onChange: (on: boolean) => void }) {
  if (chat.state.summary.value.kind === "channel") return null;
  return (
    <div class="picker">
      <Switch label={t("forward.credit")} hint={t("forward.credit.hint")} on={on} onChange={onChange} />
    </div>
  );
}
