/** The inside of a chat: the messages, the composer, and the menu of a message. */
import { useEffect, useMemo } from "preact/hooks";
import { markUnread } from "@chatd/client/conversations";
import { Composer } from "../composer/composer.js";
import type { RoomState } from "../shell/state.js";
import { RestrictionLine } from "../composer/restriction_line.js";
import { useOwnWallpaper } from "../media/own_wallpaper.js";
import { DropZone, dropEvents } from "../media/drop_zone.js";
import mediaCss from "../media/media.css?text";
import composerCss from "../composer/composer.css?text";
import { useHindrance } from "../groups/hindrance.js";
import { laterIn } from "../later/waiting.js";
import { mayBeAsked } from "../push/offer.js";
import "../rooms/row_menu.js";
import "../unread/proof.js";
import { openSearch } from "../search/open.js";
import { isBlocked, offers } from "../shell/contacts.js";
import { attempt } from "../shell/errors.js";
import { route } from "../shell/router.js";
import { lazy } from "../shell/lazy.js";
import { userOf } from "../shell/users.js";
import { adopt } from "../shell/styles.js";
import { Chat } from "./chat.js";
import { MessageMenu } from "./menu.js";
import "../style/wallpapers.js";
import css from "./timeline.css?text";
import { useTextsLeft } from "./texts_left.js";
import { Timeline } from "./timeline.js";

const ChannelBar = lazy(async () => (await import("../groups/channel_bar.js")).ChannelBar, <></>);
const Comments = lazy(async () => (await import("./comments.js")).Comments);
const HindranceBar = lazy(async () => (await import("../groups/hindrance_bar.js")).HindranceBar, <></>);
const LaterBar = lazy(async () => (await import("../later/later_bar.js")).LaterBar, <></>);
const RoomBars = lazy(async () => (await import("../groups/room_bars.js")).RoomBars, <></>);
const SelectionBar = lazy(async () => (await import("./selection_bar.js")).SelectionBar, <></>);
const RequestBar = lazy(async () => (await import("./request_bar.js")).RequestBar, <></>);
const BlockedBar = lazy(async () => (await import("./request_bar.js")).BlockedBar, <></>);
const AskBar = lazy(async () => (await import("../push/ask_bar.js")).AskBar, <></>);
const WaitingLine = lazy(async () => (await import("./request_bar.js")).WaitingLine, <></>);

for (const sheet of [css, composerCss, mediaCss]) adopt(sheet);

export function ChatScreen({ room }: { room: RoomState }) {
  const post = route.value.name === "chat" && route.value.post;
  if (post) return <Comments key={`${room.id} ${post}`} channel={room} post={post} />;
  return <Opened key={room.id} room={room} />;
}

function Opened({ room }: { room: RoomState }) {
  const chat = useMemo(() => new Chat(room), [room]);
  const { wallpaper } = room.summary.value;
  const picture = useOwnWallpaper(wallpaper);
  const drops = useMemo(() => dropEvents(chat), [chat]);
  // A look at the chat is what the mark was for.
  useEffect(() => void (room.summary.peek().unread_mark && attempt(() => markUnread(room.room, false))), [room]);
  // A letter that is typed beside the composer belongs into it.
  const onKeyDown = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f" && offers("search")) {
      // The browser would look in the messages of this page only.
      event.preventDefault();
      openSearch(room.id);
    }
    if (event.key === "Escape" && chat.selected.peek()) return (event.stopPropagation(), chat.select(null));
    const typed = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (typed && !(event.target as Element).closest("input, textarea, [popover]")) chat.composer.focused.value += 1;
  };
  return (
    <section class="chat" data-room={room.id} data-wallpaper={wallpaper || undefined} style={picture} onKeyDown={onKeyDown} {...drops}>
      <Bars chat={chat} />
      <Timeline chat={chat} />
      <DropZone />
      <Foot chat={chat} />
      <MessageMenu chat={chat} />
    </section>
  );
}

/** What stands above the messages of some groups. */
function Bars({ chat }: { chat: Chat }) {
  const { announcement, joins } = chat.state.summary.value;
  return announcement || joins ? <RoomBars chat={chat} /> : null;
}

/** The composer, or what stands between the two people of the chat. */
export function Foot({ chat }: { chat: Chat }) {
  const { peer, request, kind } = chat.state.summary.value;
  const left = useTextsLeft(chat);
  const why = useHindrance(chat.state, chat.model.stretch);
  const waits = why?.kind === "slow";
  useEffect(() => void (chat.composer.waits.value = waits), [chat, waits]);
  if (chat.selected.value) return <SelectionBar chat={chat} />;
  if (request) return <RequestBar chat={chat} />;
  if (peer && isBlocked(peer)) return <BlockedBar user={userOf(peer).value} />;
  if (kind === "channel" && why?.kind === "staff_only") return <ChannelBar room={chat.state} />;
  if (why && !waits) return <HindranceBar why={why} />;
  return (
    <>
      {waits && <HindranceBar why={why} />}
      {left !== undefined && <WaitingLine user={userOf(peer).value} left={left} />}
      {left !== 0 && <RestrictionLine />}
      {laterIn(chat.state.id).length > 0 && <LaterBar room={chat.state.id} />}
      {mayBeAsked.value && <AskBar room={chat.state} />}
      {left !== 0 && <Composer chat={chat} />}
    </>
  );
}
