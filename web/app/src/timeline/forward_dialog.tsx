/** The dialog that copies messages into other chats. */
import { useSignal } from "@preact/signals";
import { forward } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { ChatChoice } from "../rooms/chat_choice.js";
import { notify } from "../shell/announcer.js";
import { Switch } from "../shell/controls.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import type { RoomState } from "../shell/state.js";
import type { Chat } from "./chat.js";

interface ForwardProps {
  chat: Chat;
  /** In the order of the log. */
  seqs: readonly number[];
}

export function ForwardDialog({ chat, seqs }: ForwardProps) {
  const problem = useSignal("");
  const [credit, busy] = [useSignal(true), useSignal(false)];
  const chosen = useSignal<readonly RoomState[]>([]);
  const send = async () => {
    if (!chosen.value.length || busy.value) return;
    busy.value = true;
    problem.value = "";
    try {
      for (const room of chosen.value) {
        await forward(chat.state.room, seqs, room.room, { credit: credit.value });
        // A second attempt is for those that are left.
        chosen.value = chosen.value.filter((one) => one !== room);
      }
      chat.select(null);
      closeDialog();
      notify(t("forward.done"));
    } catch (error) {
      problem.value = errorText(error);
    }
    busy.value = false;
  };
  const actions = (
    <button type="submit" class="button primary" disabled={!chosen.value.length || busy.value}>
      {t("forward.send", { count: chosen.value.length })}
    </button>
  );
  return (
    <Dialog title={t("forward.title", { count: seqs.length })} actions={actions} onSubmit={() => void send()}>
      <ChatChoice chosen={chosen} problem={problem.value} />
      <Credit chat={chat} on={credit.value} onChange={(on) => (credit.value = on)} />
    </Dialog>
  );
}

/** A post of a channel always says where it comes from. */
function Credit({ chat, on, onChange }: { chat: Chat; on: boolean; onChange: (on: boolean) => void }) {
  if (chat.state.summary.value.kind === "channel") return null;
  return (
    <div class="picker">
      <Switch label={t("forward.credit")} hint={t("forward.credit.hint")} on={on} onChange={onChange} />
    </div>
  );
}
