/** The choice of people: those who are known here by name, and anybody else by their id. */
import type { Signal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { matches } from "../rooms/search.js";
import { contactOf, isBlocked } from "../shell/contacts.js";
import { Avatar } from "../shell/avatar.js";
import { Icon, type IconName } from "../shell/icons.js";
import { allRooms, me } from "../shell/state.js";
import { knownUser, knownUsers, userOf, type User } from "../shell/users.js";

/** The form of a user id (protocol.md, "Identifiers and counters"). */
export const USER_ID = /^[A-Za-z0-9_\-.:@+|]{1,64}$/;
/** Most people that are listed; a longer search finds the others. */
const LISTED = 30;

/** The people that fit a search, then the user whose id it is, if it can be one. */
function candidates(search: string, without: readonly string[]): User[] {
  const isFriend = ({ id }: User) => Number(contactOf(id)?.state === "friend");
  // The others of direct rooms are known before anything of them is shown.
  const peers = allRooms().map(({ summary }) => summary.value.peer);
  const ids = new Set([...knownUsers().map(({ id }) => id), ...peers.filter(Boolean)]);
  const known = [...ids]
    .map(knownUser)
    .filter(({ id }) => id !== me.value && !without.includes(id) && !isBlocked(id))
    .sort((one, other) => isFriend(other) - isFriend(one));
  const found = known.filter(({ id, name, realName, handle }) => matches(search, name, realName, handle, id)).slice(0, LISTED);
  const id = search.trim();
  const exact = USER_ID.test(id) && id !== me.value && !without.includes(id) && !found.some((user) => user.id === id);
  const shown = found.map((user) => userOf(user.id).value);
  return exact ? [...shown, userOf(id).value] : shown;
}

interface PickerProps {
  /** What a press does: begins a chat, or adds to the chosen ones. */
  icon: IconName;
  search: Signal<string>;
  /** Users who cannot be chosen. */
  without?: readonly string[];
  onPick: (user: string) => void;
}

/** A field and the people that fit it; Enter picks the first. */
export function Picker({ icon, search, without = [], onPick }: PickerProps) {
  const found = candidates(search.value, without);
  const pick = (user: string) => {
    search.value = "";
    onPick(user);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const exact = found.find((user) => user.id === search.value.trim()) ?? found[0];
    if (exact && search.value.trim()) pick(exact.id);
  };
  return (
    <>
      <label class="labelled">
        <span>{t("picker.label")}</span>
        <input
          class="field"
          autoFocus
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          placeholder={t("picker.placeholder")}
          value={search}
          onInput={(event) => (search.value = event.currentTarget.value)}
          onKeyDown={onKey}
        />
      </label>
      {found.length ? (
        <ul class="picker" aria-label={t("nav.people")}>
          {found.map((user) => (
            <li key={user.id}>
              <button type="button" class="setting" onClick={() => pick(user.id)}>
                <Avatar {...user} picture={user.avatar} size="header" />
                <span class="setting-text">
                  <span class="line">
                    <bdi>{user.name}</bdi>
                  </span>
                  {user.name !== user.id && <span class="small quiet line">{user.id}</span>}
                </span>
                <Icon name={icon} />
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <p class="quiet picker-none">{t(search.value ? "picker.none" : "picker.hint")}</p>
      )}
    </>
  );
}

/** The people who were chosen; a press takes one out again. */
export function Chosen({ users, onRemove }: { users: readonly string[]; onRemove: (user: string) => void }) {
  if (!users.length) return null;
  return (
    <ul class="chosen" aria-label={t("picker.chosen")}>
      {users.map((user) => (
        <li key={user}>
          <button
            type="button"
            class="chip"
            aria-label={t("picker.remove", { name: userOf(user).value.name })}
            onClick={() => onRemove(user)}
          >
            <span class="line">
              <bdi>{userOf(user).value.name}</bdi>
            </span>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}
