/** The dialog of what a group says of itself: description and tags. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { govern } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Field } from "../people/fields.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import type { RoomState } from "../shell/state.js";
import { TAG_MAX, TAGS_MAX, tagsIn } from "./tags.js";

/** Most characters of a description (protocol.md, "Governed groups"). */
const ABOUT_MAX = 512;

export function AboutDialog({ room }: { room: RoomState }) {
  const summary = room.summary.peek();
  const about = useSignal(summary.about ?? "");
  const tags = useSignal((summary.tags ?? []).join(" "));
  const problem = useSignal("");
  const save = async () => {
    try {
      await govern(room.room, { about: about.value.trim(), tags: tagsIn(tags.value) });
      closeDialog();
    } catch (error) {
      problem.value = errorText(error);
    }
  };
  const actions = (
    <button type="submit" class="button primary" disabled={[...about.value].length > ABOUT_MAX}>
      {t("action.save")}
    </button>
  );
  return (
    <Dialog title={t("about.title")} actions={actions} onSubmit={() => void save()}>
      <Field label={t("about.text")} value={about} max={ABOUT_MAX} lines={5} autoFocus />
      <Field label={t("about.tags")} hint={t("about.tags.hint")} problem={problem.value} value={tags} max={TAGS_MAX * (TAG_MAX + 1)} />
    </Dialog>
  );
}
