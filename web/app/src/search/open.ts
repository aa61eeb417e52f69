/** The way to the search in messages. */
import { openDialog } from "../shell/dialog.js";

/** Open the search in a room, or in all of them, with a text. */
export function openSearch(room = "", text = ""): void {
  void openDialog(async () => (await import("./search_dialog.js")).SearchDialog, { room, text });
}
