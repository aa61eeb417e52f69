/** The dialog of one time of quiet: from, to, and the days on which it begins. */
import { useSignal } from "@preact/signals";
import type { QuietHours } from "@chatd/client/push";
import { region, t } from "../locale/locale.js";
import { closeDialog, Dialog } from "../shell/dialog.js";

const DAYS = [1, 2, 3, 4, 5, 6, 7];
/** A Monday. */
const MONDAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

/** A time of the day by the clock on the wall, as "07:00", in the form of the language. */
export function clockTime(time: string): string {
  const format = new Intl.DateTimeFormat(region.value, { timeStyle: "short", timeZone: "UTC" });
  return format.format(Date.parse(`1970-01-01T${time}Z`));
}

function nameOf(day: number, weekday: "short" | "long"): string {
  return new Intl.DateTimeFormat(region.value, { weekday, timeZone: "UTC" }).format(MONDAY + (day - 1) * DAY_MS);
}

/** The days in words: "every day", or their short names. */
export function daysText(days: readonly number[] = []): string {
  if (!days.length || days.length === DAYS.length) return t("quiet.every-day");
  return DAYS.filter((day) => days.includes(day))
    .map((day) => nameOf(day, "short"))
    .join(t("names.separator"));
}

interface EditProps {
  given: QuietHours;
  isNew: boolean;
  /** Called with the new time, or null to delete it. */
  onSave: (hours: QuietHours | null) => void;
}

export function EditQuiet({ given, isNew, onSave }: EditProps) {
  const from = useSignal(given.from);
  const to = useSignal(given.to);
  const days = useSignal<readonly number[]>(given.days?.length ? given.days : DAYS);
  const isWhole = from.value !== "" && to.value !== "" && from.value !== to.value && days.value.length > 0;
  const done = (hours: QuietHours | null) => (closeDialog(), onSave(hours));
  const save = () => {
    if (!isWhole) return;
    const some = days.value.length < DAYS.length && { days: days.value.toSorted() };
    done({ from: from.value, to: to.value, ...some });
  };
  const toggle = (day: number) => {
    days.value = days.value.includes(day) ? days.value.filter((one) => one !== day) : [...days.value, day];
  };
  const actions = (
    <>
      {!isNew && (
        <button type="button" class="button danger" onClick={() => done(null)}>
          {t("quiet.delete")}
        </button>
      )}
      <button type="submit" class="button primary" disabled={!isWhole}>
        {t("action.save")}
      </button>
    </>
  );
  return (
    <Dialog title={t("quiet.title")} actions={actions} onSubmit={save}>
      <div class="quiet-times">
        <Time label={t("quiet.from")} value={from} />
        <Time label={t("quiet.to")} value={to} />
      </div>
      <fieldset class="quiet-days">
        <legend class="small quiet">{t("quiet.days")}</legend>
        {DAYS.map((day) => (
          <label key={day} class="quiet-day" title={nameOf(day, "long")}>
            <input
              type="checkbox"
              class="unseen"
              aria-label={nameOf(day, "long")}
              checked={days.value.includes(day)}
              onChange={() => toggle(day)}
            />
            <span aria-hidden="true">{nameOf(day, "short")}</span>
          </label>
        ))}
      </fieldset>
      {isWhole && (
        <p class="small quiet">
          {t(from.value < to.value ? "quiet.same-day" : "quiet.next-day", { to: clockTime(to.value) })}
        </p>
      )}
    </Dialog>
  );
}

function Time({ label, value }: { label: string; value: { value: string } }) {
  return (
    <label class="labelled">
      <span>{label}</span>
      <input
        type="time"
        class="field"
        required
        value={value.value}
        onInput={(event) => (value.value = event.currentTarget.value.slice(0, 5))}
      />
    </label>
  );
}
