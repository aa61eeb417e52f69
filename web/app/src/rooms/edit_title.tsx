/** The dialog that renames a group. */
import "../style/pages.js";
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import type { RoomState } from "../shell/state.js";

/** Most characters of a title (protocol.md, "room.update"). */
export const TITLE_MAX = 256;

export function EditTitle({ room }: { room: RoomState }) {
  const title = useSignal(room.summary.value.title);
  const save = () => {
    closeDialog();
    void attempt(() => room.room.update({ title: title.value.trim() }));
  };
  return (
    <Dialog
      title={t("group.rename")}
      onSubmit={save}
      actions={
        <button type="submit" class="button primary">
          {t("action.save")}
        </button>
      }
    >
      <TitleField value={title.value} onInput={(next) => (title.value = next)} />
    </Dialog>
  );
}

/** The field for the title of a group or a channel. */
export function TitleField({ label = t("group.title"), value, onInput }: { label?: string; value: string; onInput: (next: string) => void }) {
  return (
    <label class="labelled">
      <span>{label}</span>
      <input
        class="field"
        dir="auto"
        maxLength={TITLE_MAX}
        autoFocus
        autocomplete="off"
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}
