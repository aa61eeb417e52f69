/** The large view of pictures and videos, loaded with the first. */
import { openDialog } from "../shell/dialog.js";
import type { Attachment, Message } from "@chatd/client";
import type { Chat } from "../timeline/chat.js";

/** Show a picture or a video large, with the others of the chat before and behind it. */
export function openViewer(chat: Chat, message: Message, attachment: Attachment): void {
  void openDialog(async () => (await import("./viewer.js")).Viewer, { chat, message, attachment });
}
