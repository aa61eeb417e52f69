/** The change of a message that is sent later: its text and its time. */
import "../search/styles.js";
import { useSignal } from "@preact/signals";
import { schedule } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import { client } from "../shell/state.js";
import { openLater } from "./open.js";
import { TimeField } from "./time_dialog.js";
import { fromField, toField } from "./times.js";
import type { Later } from "./waiting.js";

interface ChangeProps {
  row: Later;
  /** The room whose list is shown again; empty: that of all. */
  back: string;
}

export function ChangeDialog({ row: { key, room, body, at }, back }: ChangeProps) {
  const text = useSignal(body.text ?? "");
  const time = useSignal(toField(Math.max(at, Date.now() + 60_000)));
  const problem = useSignal("");
  const save = async () => {
    const { spans, text: before, ...rest } = body;
    const words = text.peek().trim();
    // Places in another text are others.
    const changed = { ...rest, ...(words && { text: words }), ...(words === before && spans && { spans }) };
    try {
      await schedule(client(), client().room(room), changed, fromField(time.peek()), key);
      openLater(back);
    } catch (error) {
      problem.value = errorText(error);
    }
  };
  const actions = (
    <>
      <button type="button" class="button" onClick={() => openLater(back)}>
        {t("action.cancel")}
      </button>
      <button type="submit" class="button primary">
        {t("action.save")}
      </button>
    </>
  );
  return (
    <Dialog title={t("later.change.title")} actions={actions} onSubmit={() => void save()}>
      <p class="problem" role="alert">
        {problem}
      </p>
      <textarea
        class="field area"
        rows={4}
        dir="auto"
        aria-label={t("chat.composer")}
        required={!body.attachments?.length && !body.card}
        value={text}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <TimeField label={t("search.when")} value={time.value} onChange={(next) => (time.value = next)} />
    </Dialog>
  );
}
