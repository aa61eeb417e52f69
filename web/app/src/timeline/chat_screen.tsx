/** The inside of a chat: the messages and the composer. */
import type { RoomState } from "../shell/state.js";

export function ChatScreen({ room }: { room: RoomState }) {
  return <div class="timeline" data-room={room.id} />;
}
