/** The inside of a chat: the messages, the composer, and the menu of a message. */
import "./timeline.css";
import { useMemo } from "preact/hooks";
import { Composer } from "../composer/composer.js";
import type { RoomState } from "../shell/state.js";
import { Chat } from "./chat.js";
import { MessageMenu } from "./menu.js";
import { Timeline } from "./timeline.js";

export function ChatScreen({ room }: { room: RoomState }) {
  return <Opened key={room.id} room={room} />;
}

function Opened({ room }: { room: RoomState }) {
  const chat = useMemo(() => new Chat(room), [room]);
  // A letter that is typed beside the composer belongs into it.
  const onKeyDown = (event: KeyboardEvent) => {
    const typed = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (typed && !(event.target as Element).closest("input, textarea, [popover]")) chat.composer.focused.value += 1;
  };
  return (
    <section class="chat" data-room={room.id} onKeyDown={onKeyDown}>
      <Timeline chat={chat} />
      <Composer chat={chat} />
      <MessageMenu chat={chat} />
    </section>
  );
}
