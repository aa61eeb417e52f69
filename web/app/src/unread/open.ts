/** The way to what an unread number counts. */
import { openDialog } from "../shell/dialog.js";

/** Show the unread messages of a room, or the chats that the number on the icon counts. */
export function openUnread(room = ""): void {
  if (room) void openDialog(async () => (await import("./room_dialog.js")).UnreadMessages, { room });
  else void openDialog(async () => (await import("./badge_dialog.js")).UnreadChats, {});
}
