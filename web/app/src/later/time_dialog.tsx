/** The choice of the time at which a message is sent. */
import "../search/styles.js";
import { useSignal } from "@preact/signals";
import { momentOf } from "../locale/moments.js";
import { t } from "../locale/locale.js";
import { announce } from "../shell/announcer.js";
import { Action } from "../shell/controls.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import type { ComposerModel } from "../composer/composer_model.js";
import { fromField, latestFrom, timesFrom, toField } from "./times.js";

const HOUR = 3_600_000;

export function TimeDialog({ composer }: { composer: ComposerModel }) {
  const now = Date.now();
  const chosen = useSignal(toField(now + HOUR));
  const take = async (at: number) => {
    closeDialog();
    if (await composer.schedule(at)) announce(t("later.done", { time: momentOf(at) }));
  };
  const submit = () => void take(fromField(chosen.peek()));
  const actions = (
    <button type="submit" class="button primary">
      {t("later.schedule")}
    </button>
  );
  return (
    <Dialog title={t("later.title")} actions={actions} onSubmit={submit}>
      <div class="rules">
        {timesFrom(now).map(({ name, at }) => (
          <Action key={name} icon="clock" label={t(`later.at.${name}`)} hint={momentOf(at)} onClick={() => void take(at)} />
        ))}
      </div>
      <TimeField label={t("later.at.own")} value={chosen.value} onChange={(next) => (chosen.value = next)} />
    </Dialog>
  );
}

/** A field for a time that is still to come. */
export function TimeField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const now = Date.now();
  return (
    <label class="later-time">
      <span class="small quiet">{label}</span>
      <input
        type="datetime-local"
        class="field"
        required
        min={toField(now)}
        max={toField(latestFrom(now))}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}
