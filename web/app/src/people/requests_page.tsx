/** The friend requests: those of others, to accept or decline, and the own ones that wait. */
import { t } from "../locale/locale.js";
import { dateOf, shortTime } from "../locale/dates.js";
import type { Contact } from "@chatd/client/people";
import { Avatar } from "../shell/avatar.js";
import { allContacts } from "../shell/contacts.js";
import { Card } from "../shell/controls.js";
import { Empty } from "../shell/drawings.js";
import { keepFocus } from "../shell/keep_focus.js";
import { PageHead } from "../shell/page_head.js";
import { follow, hrefOf } from "../shell/router.js";
import { userOf } from "../shell/users.js";
import { Verified } from "./card.js";
import { addFriend } from "./friends.js";
import { onPerson } from "./people_rows.js";
import { Note } from "./home_card.js";
import { acceptFriend, cancelRequest, declineFriend } from "./verbs.js";

export function RequestsPage() {
  const [received, sent] = [inState("received"), inState("sent")];
  return (
    <>
      <PageHead title={t("requests.title")} />
      {received.length || sent.length ? (
        <div class="scroller page">
          <Card title={t("requests.received")}>
            {received.length ? (
              received.map((one) => <Received key={one.user} contact={one} />)
            ) : (
              <p class="card-text quiet">{t("requests.none")}</p>
            )}
          </Card>
          {sent.length > 0 && (
            <Card title={t("requests.sent")}>
              {sent.map((one) => (
                <Sent key={one.user} contact={one} />
              ))}
            </Card>
          )}
        </div>
      ) : (
        <Empty drawing="people" text={t("requests.empty")}>
          <button type="button" class="button primary" onClick={addFriend}>
            {t("people.add")}
          </button>
        </Empty>
      )}
    </>
  );
}

const inState = (wanted: string): Contact[] =>
  allContacts()
    .filter(({ state }) => state === wanted)
    .sort((one, other) => (other.since ?? 0) - (one.since ?? 0));

function Received({ contact }: { contact: Contact }) {
  const { user: id } = contact;
  const { name } = userOf(id).value;
  return (
    <Request contact={contact}>
      <button
        type="button"
        class="button"
        aria-label={onPerson("people.decline", name)}
        onClick={(event) => void keepFocus(event, () => declineFriend(id))}
      >
        {t("people.decline")}
      </button>
      <button
        type="button"
        class="button primary"
        aria-label={onPerson("people.accept", name)}
        onClick={(event) => void keepFocus(event, () => acceptFriend(id))}
      >
        {t("people.accept")}
      </button>
    </Request>
  );
}

function Sent({ contact }: { contact: Contact }) {
  const { name } = userOf(contact.user).value;
  return (
    <Request contact={contact}>
      {contact.expires_at !== undefined && (
        <span class="small quiet request-end">{t("people.expires", { date: dateOf(contact.expires_at) })}</span>
      )}
      <button
        type="button"
        class="button"
        aria-label={onPerson("people.cancel", name)}
        onClick={(event) => void keepFocus(event, () => cancelRequest(contact.user))}
      >
        {t("people.cancel")}
      </button>
    </Request>
  );
}

function Request({ contact, children }: { contact: Contact; children: preact.ComponentChildren }) {
  const user = userOf(contact.user).value;
  return (
    <div class="request">
      <a
        class="request-face"
        href={hrefOf({ name: "person", user: user.id })}
        onClick={follow}
        tabIndex={-1}
        aria-hidden="true"
      >
        <Avatar {...user} picture={user.avatar} />
      </a>
      <div class="request-text">
        <span class="request-head">
          <a class="line name" href={hrefOf({ name: "person", user: user.id })} onClick={follow}>
            <bdi>{user.name}</bdi>
          </a>
          <Verified user={user} />
          {contact.since !== undefined && <time class="small quiet">{shortTime(contact.since)}</time>}
        </span>
        {user.handle && <bdi class="small quiet">{`@${user.handle}`}</bdi>}
        <Note note={contact.note} via={contact.via} />
        <div class="request-deeds">{children}</div>
      </div>
    </div>
  );
}
