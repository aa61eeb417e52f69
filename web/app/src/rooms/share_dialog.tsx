/** The dialog that sends a card, of a person or of an invite, to chats. */
import { useSignal } from "@preact/signals";
import type { Body } from "@chatd/client";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import type { RoomState } from "../shell/state.js";
import { ChatChoice } from "./chat_choice.js";

/** `body`: the card, with a text for those who do not know its type. */
export function ShareDialog({ title, body }: { title: string; body: Body }) {
  const chosen = useSignal<readonly RoomState[]>([]);
  // The outbox sends it, as what is typed.
  const send = async () => {
    const rooms = chosen.value;
    if (!rooms.length) return;
    closeDialog();
    const done = await attempt(() => Promise.all(rooms.map(({ room }) => room.post(body))));
    if (done) notify(t("share.done"));
  };
  const actions = (
    <button type="submit" class="button primary" disabled={!chosen.value.length}>
      {t("share.send", { count: chosen.value.length })}
    </button>
  );
  return (
    <Dialog title={title} actions={actions} onSubmit={() => void send()}>
      <ChatChoice chosen={chosen} problem="" />
    </Dialog>
  );
}
