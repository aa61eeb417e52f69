/** The way to the messages that are sent later. */
import { openDialog } from "../shell/dialog.js";

/** Open the list of those of a room, or of all. */
export function openLater(room = ""): void {
  void openDialog(async () => (await import("./list_dialog.js")).LaterDialog, { room });
}
