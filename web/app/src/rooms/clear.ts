/** Taking messages out of the own view of a chat. */
import { clear, deleteForMe } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { confirm } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { client, type RoomState } from "../shell/state.js";
import { titleOf } from "./names.js";

/** Ask, and take all messages of a chat out of the own view. */
export function askToClear(room: RoomState): void {
  confirm({
    title: t("clear.title"),
    text: t("clear.text", { name: titleOf(room) }),
    action: t("clear.action"),
    onConfirm: () => void attempt(() => clear(client(), room.room)),
  });
}

/** Ask, and take one message out of the own view. */
export function askToDelete(room: RoomState, seq: number): void {
  confirm({
    title: t("delete.title"),
    text: t("delete.text"),
    action: t("delete.action"),
    onConfirm: () => void attempt(() => deleteForMe(client(), room.room, [seq])),
  });
}
