/** Where a friend request came from, as a sentence. */
import { t } from "../locale/locale.js";
import { titleOf } from "../rooms/names.js";
import { roomOf } from "../shell/state.js";

/** Return the sentence about the `via` of a request; empty if it says nothing to a reader. */
export function viaText(via: string | undefined): string {
  if (via?.startsWith("group:")) {
    const room = roomOf(via.slice("group:".length));
    return room ? t("via.group", { name: titleOf(room) }) : "";
  }
  return via === "search" ? t("via.search") : "";
}
