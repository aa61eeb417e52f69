/** The list of chats: its head with the search, and the rows. */
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { openDialog } from "../shell/dialog.js";
import { Empty } from "../shell/drawings.js";
import { Icon } from "../shell/icons.js";
import { follow, go, hrefOf } from "../shell/router.js";
import { config } from "../shell/session.js";
import { Skeleton } from "../shell/skeleton.js";
import { lazy } from "../shell/lazy.js";
import { folder, hasMore, loaded, requestList, type RoomState } from "../shell/state.js";
import { focusFirstRow, VirtualList } from "../shell/virtual_list.js";
import { useWatched } from "../shell/watching.js";
import { titleOf } from "./names.js";
import { ChatRow } from "./chat_row.js";
import { foundRooms, query, setSearchField } from "./search.js";

const Folders = lazy(async () => (await import("./folders.js")).Folders, <></>);

/** Open the dialog that begins a chat. */
export const newChat = () => openDialog(async () => (await import("./new_chat.js")).NewChat, { name: query.peek() });

export function ChatList() {
  return (
    <>
      <header class="list-head">
        <h1 class="line">{config.value && config.value.title !== "chatd" ? config.value.title : t("nav.chats")}</h1>
        <button type="button" class="icon-button" aria-label={t("chats.new")} onClick={newChat}>
          <Icon name="edit" />
        </button>
      </header>
      <Search />
      {requestList.value.length > 0 && !query.value && <Requests />}
      {(hasMore.value || query.value) && <Folders />}
      <Rows />
    </>
  );
}

function Search() {
  const onKey = (event: KeyboardEvent) => {
    const first = foundRooms.peek()[0];
    if (event.isComposing) return;
    if (event.key === "Enter" && query.peek() && first) open(first);
    else if (event.key === "Escape" && query.peek()) query.value = "";
    else if (event.key !== "ArrowDown" || !focusFirstRow((event.currentTarget as HTMLElement).parentElement!)) return;
    event.preventDefault();
  };
  return (
    <div class="search" role="search" onKeyDown={onKey}>
      <Icon name="search" />
      <input
        ref={setSearchField}
        type="search"
        class="field"
        aria-label={t("chats.search")}
        placeholder={t("chats.search")}
        aria-keyshortcuts="Control+K"
        autocomplete="off"
        spellcheck={false}
        value={query}
        onInput={(event) => (query.value = event.currentTarget.value)}
      />
    </div>
  );
}

/** The way to the message requests: they make no sound, and count nowhere else. */
function Requests() {
  const names = requestList.value.map(titleOf).join(t("names.separator"));
  return (
    <a class="requests-row" href={hrefOf({ name: "requests" })} onClick={follow}>
      <Icon name="person-add" />
      <span>{t("box.row", { count: requestList.value.length })}</span>
      <span class="line quiet small">
        <bdi>{names}</bdi>
      </span>
      <Icon name="forward" />
    </a>
  );
}

function open(room: RoomState): void {
  query.value = "";
  go({ name: "chat", room: room.id, about: false });
}

function Rows() {
  const seen = useSignal<readonly RoomState[]>([]);
  useWatched(seen.value.map((room) => room.summary.value.peer));
  const rooms = foundRooms.value;
  const search = query.value.trim();
  if (!rooms.length && !search && !loaded.value) return <Skeleton />;
  // What an empty folder is says the part of the folders.
  if (!rooms.length && !search && folder.value) return null;
  if (!rooms.length)
    return (
      <Empty drawing={search ? "search" : "chats"} text={search ? t("chats.none", { name: search }) : t("chats.empty")}>
        <button type="button" class={search ? "button" : "button primary"} onClick={newChat}>
          {t("chats.new")}
        </button>
      </Empty>
    );
  return (
    <VirtualList
      label={t("nav.chats")}
      items={rooms}
      keyOf={(room) => room.id}
      row={(room) => <ChatRow room={room} />}
      onSeen={(items) => (seen.value = items)}
    />
  );
}
