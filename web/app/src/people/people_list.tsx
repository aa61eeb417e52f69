/** The people one has a chat with, in the order of their names. */
import { useComputed, useSignal } from "@preact/signals";
import { language, t } from "../locale/locale.js";
import { newChat } from "../rooms/chat_list.js";
import { Empty } from "../shell/drawings.js";
import { Icon } from "../shell/icons.js";
import { Skeleton } from "../shell/skeleton.js";
import { loaded, roomList } from "../shell/state.js";
import { userOf, type User } from "../shell/users.js";
import { VirtualList } from "../shell/virtual_list.js";
import { useWatched } from "../shell/watching.js";
import { PersonRow } from "./person_row.js";

export function PeopleList() {
  const seen = useSignal<readonly User[]>([]);
  useWatched(seen.value.map((user) => user.id));
  const people = useComputed(() => {
    const order = new Intl.Collator(language.value);
    const peers = roomList.value.map((room) => room.summary.value.peer).filter(Boolean);
    return peers.map((peer) => userOf(peer).value).sort((one, other) => order.compare(one.name, other.name));
  }).value;
  return (
    <>
      <header class="list-head">
        <h1>{t("nav.people")}</h1>
        <button type="button" class="icon-button" aria-label={t("chats.new")} onClick={newChat}>
          <Icon name="person-add" />
        </button>
      </header>
      {people.length ? (
        <VirtualList
          label={t("nav.people")}
          items={people}
          keyOf={(user) => user.id}
          row={(user) => <PersonRow user={user} />}
          onSeen={(items) => (seen.value = items)}
        />
      ) : loaded.value ? (
        <Empty drawing="people" text={t("people.empty")}>
          <button type="button" class="button primary" onClick={newChat}>
            {t("chats.new")}
          </button>
        </Empty>
      ) : (
        <Skeleton />
      )}
    </>
  );
}
