/** The list of people: requests, circles and follows on top, then the friends by name. */
import "./people_styles.js";
import { computed, signal, useSignal } from "@preact/signals";
import { language, t } from "../locale/locale.js";
import { matches } from "../rooms/search.js";
import { allContacts, circles, friendRequests } from "../shell/contacts.js";
import { Count } from "../shell/count.js";
import { openDialog } from "../shell/dialog.js";
import { Empty } from "../shell/drawings.js";
import { Icon, type IconName } from "../shell/icons.js";
import { follow, hrefOf, route, type Route } from "../shell/router.js";
import { Skeleton } from "../shell/skeleton.js";
import { loaded } from "../shell/state.js";
import { knownUser, userOf, type User } from "../shell/users.js";
import { focusFirstRow, VirtualList } from "../shell/virtual_list.js";
import { useWatched } from "../shell/watching.js";
import { Verified } from "./card.js";
import { PersonRow } from "./person_row.js";

const query = signal("");

/** Open the dialog that finds somebody. */
export const addFriend = () => openDialog(async () => (await import("./add_friend.js")).AddFriend, {});

/** The friends in the order of their names. */
export const friends = computed<readonly User[]>(() => {
  const found = allContacts().filter(({ state, blocked }) => state === "friend" && !blocked);
  return byName(found.map(({ user }) => knownUser(user)));
});

/** Return users in the order of their names, as the language has it. */
export function byName(users: readonly User[]): User[] {
  const { compare } = new Intl.Collator(language.value, { numeric: true });
  return [...users].sort((one, other) => compare(one.name, other.name));
}

/** Whether a user fits a search, by any of their names. */
export const fits = (search: string, { id, name, realName, handle }: User): boolean =>
  matches(search.replace(/^@/, ""), name, realName, handle, id);

export function Friends() {
  const seen = useSignal<readonly User[]>([]);
  useWatched(seen.value.map((user) => user.id));
  const search = query.value.trim();
  const shown = search ? friends.value.filter((user) => fits(search, user)) : friends.value;
  return (
    <>
      <header class="list-head">
        <h1>{t("nav.people")}</h1>
        <button type="button" class="icon-button" aria-label={t("people.add")} onClick={addFriend}>
          <Icon name="person-add" />
        </button>
      </header>
      <Search />
      {!shown.length && !loaded.value ? (
        <Skeleton />
      ) : (
        <VirtualList
          label={t("people.friends")}
          items={shown}
          keyOf={(user) => user.id}
          row={({ id }) => <Row id={id} />}
          onSeen={(items) => (seen.value = items)}
        >
          {!search && <Entries />}
          {!shown.length && <Nobody search={search} />}
        </VirtualList>
      )}
    </>
  );
}

function Search() {
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && query.peek()) query.value = "";
    else if (event.key !== "ArrowDown" || !focusFirstRow((event.currentTarget as HTMLElement).parentElement!)) return;
    event.preventDefault();
  };
  return (
    <div class="search" role="search" onKeyDown={onKey}>
      <Icon name="search" />
      <input
        type="search"
        class="field"
        aria-label={t("people.search")}
        placeholder={t("people.search")}
        autocomplete="off"
        spellcheck={false}
        value={query}
        onInput={(event) => (query.value = event.currentTarget.value)}
      />
    </div>
  );
}

function Entries() {
  const following = allContacts().filter((contact) => contact.following).length;
  return (
    <nav class="entries" aria-label={t("people.pages")}>
      <Entry page="requests" icon="person-add" label={t("requests.title")}>
        {friendRequests.value > 0 && (
          <Count count={friendRequests.value} label={t("people.requests", { count: friendRequests.value })} />
        )}
      </Entry>
      <Entry page="circles" icon="circles" label={t("people.circles")} count={circles.value.size} />
      <Entry page="following" icon="star" label={t("following.title")} count={following} />
    </nav>
  );
}

interface EntryProps {
  page: string;
  icon: IconName;
  label: string;
  count?: number;
  children?: preact.ComponentChildren;
}

function Entry({ page, icon, label, count = 0, children }: EntryProps) {
  const to: Route = { name: "page", of: "people", page, id: "" };
  const now = route.value;
  return (
    <a
      class="entry"
      href={hrefOf(to)}
      onClick={follow}
      aria-current={now.name === "page" && now.page === page ? "page" : undefined}
    >
      <span class={`entry-icon entry-${page}`}>
        <Icon name={icon} />
      </span>
      <span class="line">{label}</span>
      {count > 0 && <span class="quiet small">{count}</span>}
      {children}
    </a>
  );
}

function Nobody({ search }: { search: string }) {
  if (search) return <Empty drawing="search" text={t("people.none", { name: search })} />;
  return (
    <Empty drawing="people" text={t("friends.empty")}>
      <button type="button" class="button primary" onClick={addFriend}>
        {t("people.add")}
      </button>
    </Empty>
  );
}

/** A friend, whose badge stands beside their name. */
function Row({ id }: { id: string }) {
  const user = userOf(id).value;
  return (
    <PersonRow user={user}>
      <Verified user={user} />
    </PersonRow>
  );
}
