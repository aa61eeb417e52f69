/** Reading many chats at once. */
import { readAll } from "@chatd/client/conversations";
import { client, type RoomState } from "../shell/state.js";

/** Chats of one request (protocol.md, "reads"). */
const MOST = 200;

/** Mark chats as read, up to what is known of them here, and take the user's marks from them. */
export async function markRead(rooms: readonly RoomState[]): Promise<void> {
  const asked = rooms.map(({ id, room }) => ({ room: id, seq: room.head }));
  for (let at = 0; at < asked.length; at += MOST) await readAll(client(), asked.slice(at, at + MOST));
}

/** Whether a chat has something unread, or is marked so. */
export const isUnread = ({ unread, summary }: RoomState): boolean =>
  !summary.value.request && (unread.value > 0 || Boolean(summary.value.unread_mark));
