/** The dialog that bans a member. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { ban } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Choice, Switch } from "../shell/controls.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import type { RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { durationText } from "./durations.js";

const DAY_S = 86_400;
/** For how long; 0 is for good. */
const LASTS_S = [0, DAY_S, 7 * DAY_S, 30 * DAY_S];

export function BanDialog({ room, user }: { room: RoomState; user: string }) {
  const [lasts, recall, problem] = [useSignal(0), useSignal(false), useSignal("")];
  const { name } = userOf(user).value;
  const save = async () => {
    const until = lasts.value ? { until: Date.now() + lasts.value * 1000 } : {};
    try {
      await ban(room.room, [user], { ...until, ...(recall.value && { recall: true }) });
      closeDialog();
    } catch (error) {
      problem.value = errorText(error);
    }
  };
  const actions = (
    <>
      <button type="button" class="button" onClick={closeDialog}>
        {t("action.cancel")}
      </button>
      <button type="submit" class="button danger primary">
        {t("member.ban.action")}
      </button>
    </>
  );
  return (
    <Dialog title={t("member.ban")} actions={actions} onSubmit={() => void save()}>
      <p class="quiet">{t("member.ban.text", { name })}</p>
      <div class="rules">
        <Choice
          label={t("member.ban.lasts")}
          value={`${lasts.value}`}
          options={LASTS_S.map((seconds) => ({ value: `${seconds}`, label: seconds ? durationText(seconds) : t("member.ban.ever") }))}
          onChange={(value) => (lasts.value = Number(value))}
        />
        <Switch label={t("member.ban.recall")} hint={t("member.ban.recall.hint")} on={recall.value} onChange={(on) => (recall.value = on)} />
      </div>
      <p class="problem" role="alert">
        {problem}
      </p>
    </Dialog>
  );
}
