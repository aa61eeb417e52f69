/** The users one blocks. */
import { t } from "../locale/locale.js";
import { allContacts } from "../shell/contacts.js";
import { Empty } from "../shell/drawings.js";
import { PageHead } from "../shell/page_head.js";
import { knownUser } from "../shell/users.js";
import { byName } from "./friends.js";
import { People } from "./people_rows.js";
import { unblock } from "./verbs.js";

export function BlockedPage() {
  const users = byName(
    allContacts()
      .filter(({ blocked }) => blocked)
      .map(({ user }) => knownUser(user)),
  );
  return (
    <>
      <PageHead title={t("blocked.title")} />
      {users.length ? (
        <div class="scroller page">
          <p class="page-text">{t("blocked.text")}</p>
          <People label={t("blocked.title")} users={users} action="people.unblock" onAction={unblock} />
        </div>
      ) : (
        <Empty drawing="locked" text={t("blocked.empty")} />
      )}
    </>
  );
}
