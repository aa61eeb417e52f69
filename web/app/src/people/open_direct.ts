/** The way to the chat with a user. */
import { attempt } from "../shell/errors.js";
import { go } from "../shell/router.js";
import { client, roomList } from "../shell/state.js";

/** Show the chat with a user; it is begun if there is none. */
export async function openDirect(user: string): Promise<void> {
  const known = roomList.peek().find((room) => room.summary.peek().peer === user);
  const room = known ?? (await attempt(() => client().direct(user)));
  if (room) go({ name: "chat", room: room.id, about: false });
}
