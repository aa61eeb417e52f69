/** The users one follows. */
import { t } from "../locale/locale.js";
import { allContacts } from "../shell/contacts.js";
import { Empty } from "../shell/drawings.js";
import { PageHead } from "../shell/page_head.js";
import { knownUser } from "../shell/users.js";
import { byName } from "./friends.js";
import { People } from "./people_rows.js";
import { setContact } from "./verbs.js";

export function FollowingPage() {
  const users = byName(
    allContacts()
      .filter(({ following }) => following)
      .map(({ user }) => knownUser(user)),
  );
  return (
    <>
      <PageHead title={t("following.title")} />
      {users.length ? (
        <div class="scroller page">
          <p class="page-text">{t("following.text")}</p>
          <People
            label={t("following.title")}
            users={users}
            action="people.unfollow"
            onAction={(user) => setContact(user, { following: false })}
          />
        </div>
      ) : (
        <Empty drawing="people" text={t("following.empty")} />
      )}
    </>
  );
}
