/** The members who fit the mention that is being typed; the focus stays in the field. */
import type { RefObject } from "preact";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { Kind } from "../shell/kind.js";
import { userOf } from "../shell/users.js";
import type { MentionQuery } from "./mention_query.js";

interface PickerProps {
  query: MentionQuery;
  field: RefObject<HTMLTextAreaElement | null>;
}

export function MentionPicker({ query, field }: PickerProps) {
  if (!query.open.value) return null;
  const pick = (event: Event, user: string) => {
    event.preventDefault();
    query.pick(user, field.current!);
  };
  return (
    <div id={query.id} class="mentions" role="listbox" aria-label={t("chat.mention")}>
      {query.candidates.value.map((user, at) => (
        <div
          key={user}
          id={`${query.id}-${at}`}
          class="mention-option"
          role="option"
          aria-selected={at === query.at.value}
          // Not the click: it would come after the field lost the focus.
          onPointerDown={(event) => pick(event, user)}
        >
          <Candidate user={user} />
        </div>
      ))}
    </div>
  );
}

function Candidate({ user }: { user: string }) {
  if (user === "*")
    return (
      <>
        <Avatar id="*" name="@" size="group" />
        <span class="line">{t("chat.everybody")}</span>
        <span class="quiet small line">{t("chat.everybody.hint")}</span>
      </>
    );
  const { name, avatar, kind } = userOf(user).value;
  return (
    <>
      <Avatar id={user} name={name} picture={avatar} size="group" />
      <bdi class="line">{name}</bdi>
      <Kind kind={kind} />
      {name !== user && <span class="quiet small line">{user}</span>}
    </>
  );
}
