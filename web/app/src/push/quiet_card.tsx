/** Quiet hours: the times, the zone in which they hold, and what happens to notifications in them. */
import type { QuietHours } from "@chatd/client/push";
import { t } from "../locale/locale.js";
import { Action, Card, Choice, Segments } from "../shell/controls.js";
import { openDialog } from "../shell/dialog.js";
import { Icon } from "../shell/icons.js";
import { setWishes, wishes } from "./preferences.js";
import { clockTime, daysText, EditQuiet } from "./quiet_dialog.js";

/** Most times of quiet (protocol.md, "Preferences and `notify`"). */
const MAX = 7;
const NEW: QuietHours = { from: "22:00", to: "07:00" };
const MODES = ["silent", "off"] as const;

const ownZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

export function QuietCard() {
  const { quiet, quiet_mode, timezone } = wishes();
  const save = (next: QuietHours[]) => setWishes({ quiet: next, ...(next.length && { timezone: timezone || ownZone() }) });
  const edit = (index: number) => {
    const given = quiet[index] ?? NEW;
    const onSave = (hours: QuietHours | null) => save(hours ? quiet.toSpliced(index, 1, hours) : quiet.toSpliced(index, 1));
    void openDialog(async () => EditQuiet, { given, isNew: index >= quiet.length, onSave });
  };
  return (
    <Card title={t("quiet.title")}>
      {quiet.map((hours, index) => (
        <button key={index} type="button" class="setting rule" onClick={() => edit(index)}>
          <Icon name="moon" />
          <span class="setting-text">
            <span>{t("quiet.span", { from: clockTime(hours.from), to: clockTime(hours.to) })}</span>
            <span class="small quiet">{daysText(hours.days)}</span>
          </span>
          <Icon name="forward" />
        </button>
      ))}
      {quiet.length < MAX && (
        <Action
          icon="plus"
          label={t("quiet.add")}
          {...(!quiet.length && { hint: t("quiet.add.hint") })}
          onClick={() => edit(quiet.length)}
        />
      )}
      {quiet.length > 0 && (
        <>
          <Segments
            label={t("quiet.mode")}
            value={quiet_mode}
            options={MODES.map((value) => ({ value, label: t(`quiet.mode.${value}`) }))}
            onChange={(mode) => setWishes({ quiet_mode: mode })}
          />
          <Choice
            label={t("quiet.zone")}
            value={timezone}
            options={zones(timezone).map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }))}
            onChange={(zone) => setWishes({ timezone: zone })}
          />
        </>
      )}
    </Card>
  );
}

/** The time zones that the browser knows, and those in use. */
function zones(timezone: string): string[] {
  return [...new Set([timezone, ownZone(), ...Intl.supportedValuesOf("timeZone")])].sort();
}
