/** The dialog of the own name in a group. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { setNickname } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Field } from "../people/fields.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import { me, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";

const NICKNAME_MAX = 64;

export function NicknameDialog({ room }: { room: RoomState }) {
  const nickname = useSignal(room.summary.peek().nickname ?? "");
  const problem = useSignal("");
  const save = async () => {
    try {
      await setNickname(room.room, nickname.value.trim());
      closeDialog();
    } catch (error) {
      problem.value = errorText(error);
    }
  };
  const actions = (
    <button type="submit" class="button primary" disabled={[...nickname.value].length > NICKNAME_MAX}>
      {t("action.save")}
    </button>
  );
  return (
    <Dialog title={t("nickname.title")} actions={actions} onSubmit={() => void save()}>
      <Field
        label={t("nickname.label")}
        hint={t("nickname.hint")}
        problem={problem.value}
        placeholder={userOf(me.value).value.realName}
        value={nickname}
        max={NICKNAME_MAX}
        autoFocus
      />
    </Dialog>
  );
}
