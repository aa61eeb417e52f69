/** A card of users, each with one thing to do. */
import { useSignal } from "@preact/signals";
import { t, type TextKey } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { Action } from "../shell/controls.js";
import { keepFocus } from "../shell/keep_focus.js";
import { Kind } from "../shell/kind.js";
import { follow, hrefOf } from "../shell/router.js";
import { userOf, type User } from "../shell/users.js";
import { Verified } from "./card.js";

/** Rows that are drawn at first, and more with each press. */
const SHOWN = 100;

interface PeopleProps {
  label: string;
  users: readonly User[];
  /** The button of each row. */
  action: TextKey;
  onAction: (user: string) => Promise<unknown>;
}

/** The label of a button that does something to a person; it begins with the text that is seen. */
export const onPerson = (action: TextKey, name: string): string => t("people.on", { action: t(action), name });

export function People({ label, users, action, onAction }: PeopleProps) {
  const count = useSignal(SHOWN);
  return (
    <section class="card" aria-label={label}>
      <ul>
        {users.slice(0, count.value).map(({ id }) => (
          <Row key={id} id={id} action={action} onAction={onAction} />
        ))}
      </ul>
      {users.length > count.value && <Action icon="more" label={t("people.more")} onClick={() => (count.value += SHOWN)} />}
    </section>
  );
}

type RowProps = Pick<PeopleProps, "action" | "onAction"> & { id: string };

function Row({ id, action, onAction }: RowProps) {
  const user = userOf(id).value;
  return (
    <li class="setting person">
      <a class="person-link" href={hrefOf({ name: "person", user: id })} onClick={follow}>
        <Avatar {...user} picture={user.avatar} size="header" />
        <span class="setting-text">
          <span class="person-name">
            <span class="line">
              <bdi>{user.name}</bdi>
            </span>
            <Verified user={user} />
            <Kind kind={user.kind} />
          </span>
          <span class="small quiet line">
            <bdi>{user.handle ? `@${user.handle}` : id}</bdi>
          </span>
        </span>
      </a>
      <button
        type="button"
        class="button small-button"
        aria-label={onPerson(action, user.name)}
        onClick={(event) => void keepFocus(event, () => onAction(id))}
      >
        {t(action)}
      </button>
    </li>
  );
}
