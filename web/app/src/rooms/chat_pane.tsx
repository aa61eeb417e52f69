/** One chat: its head, and the messages below it. */
import { useEffect } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { Empty } from "../shell/drawings.js";
import { Icon } from "../shell/icons.js";
import { Kind } from "../shell/kind.js";
import { lazy } from "../shell/lazy.js";
import { detailsBeside, panes } from "../shell/panes.js";
import { follow, go, hrefOf, onlyChat, up } from "../shell/router.js";
import { change, settings } from "../shell/settings.js";
import { Skeleton } from "../shell/skeleton.js";
import { client, loaded, me, phase, presenceOf, roomOf, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { useWatched } from "../shell/watching.js";
import { faceOf, presenceText, presenceTitle, titleOf } from "./names.js";
import { typingText } from "./chat_row.js";
import { useOnline } from "./online.js";

/** Load the screen of a chat: a quarter of the client, which the list does not need. */
export const loadChatScreen = async () => (await import("../timeline/chat_screen.js")).ChatScreen;
const ChatScreen = lazy(loadChatScreen);
const HeadButtons = lazy(async () => (await import("./head_buttons.js")).HeadButtons, <></>);

const join = async (id: string) => (await import("../groups/join_room.js")).joinRoom(id);

/** The form of the id of a group or a channel (protocol.md, "Identifiers and counters"). */
const GROUP_ID = /^[gc][0-9A-Za-z]{11}$/;

export function ChatPane({ room: id }: { room: string }) {
  const room = roomOf(id);
  if (room) return <Chat room={room} />;
  if (!loaded.value || phase.value !== "ready") return <Skeleton />;
  return (
    <Empty drawing="search" title={t("chat.gone.title")} text={t("chat.gone")}>
      {GROUP_ID.test(id) && (
        <button type="button" class="button primary" onClick={() => void join(id)}>
          {t(id[0] === "c" ? "chat.follow" : "chat.join")}
        </button>
      )}
      <a href={hrefOf({ name: "chats" })} onClick={follow}>
        {t("nav.chats")}
      </a>
    </Empty>
  );
}

function Chat({ room }: { room: RoomState }) {
  // The rooms on the screen are kept up to date at once; none is while the window is hidden.
  useEffect(() => {
    client().focus([room.id]);
    return () => client().focus([]);
  }, [room.id]);
  return (
    <>
      <Head room={room} />
      <ChatScreen room={room} />
    </>
  );
}

function Head({ room }: { room: RoomState }) {
  const { peer } = room.summary.value;
  const details = () => {
    if (panes.value === 3) change({ details: !settings.value.details });
    else go({ name: "chat", room: room.id, about: true });
  };
  return (
    <header class="chat-head">
      {panes.value === 1 && !onlyChat.value && (
        <button type="button" class="icon-button" aria-label={t("action.back")} onClick={up}>
          <Icon name="back" />
        </button>
      )}
      <Avatar {...faceOf(room)} online={false} size="header" />
      <div class="chat-head-text">
        <div class="chat-head-name">
          <h1 class="line">
            <bdi>{titleOf(room)}</bdi>
          </h1>
          {peer && <Kind kind={userOf(peer).value.kind} />}
        </div>
        <Subtitle room={room} />
      </div>
      <HeadButtons room={room} />
      <button
        type="button"
        class="icon-button"
        aria-label={t("nav.details")}
        aria-expanded={panes.value === 3 ? detailsBeside.value : undefined}
        onClick={details}
      >
        <Icon name="info" />
      </button>
    </header>
  );
}

/** Below the name: who is typing, else the presence of the other user or the numbers of members and of those online. */
function Subtitle({ room }: { room: RoomState }) {
  const { peer, members, kind } = room.summary.value;
  useWatched([peer]);
  const online = useOnline(room);
  const typists = room.typists.value;
  if (typists.length > 1) return <p class="line typing">{t("chat.typing", { count: typists.length })}</p>;
  if (typists.length) return <p class="line typing">{typingText(room, typists[0]!)}</p>;
  if (!peer) {
    const all = t(kind === "channel" ? "room.followers" : "room.members", { count: members });
    return <p class="line">{online ? t("room.online", { members: all, count: online }) : all}</p>;
  }
  if (peer === me.value) return null;
  const presence = presenceOf(peer).value;
  return (
    <p class={presence.state === "online" ? "line online" : "line"} title={presenceTitle(presence)}>
      {presenceText(presence)}
    </p>
  );
}
