/** The devices of the user; one that is lost can be signed out from here. */
import { useSignal } from "@preact/signals";
import type { DeviceEntry } from "@chatd/client";
import { useEffect } from "preact/hooks";
import { shortTime } from "../locale/dates.js";
import { t } from "../locale/locale.js";
import { Card } from "../shell/controls.js";
import { confirm } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { client, phase } from "../shell/state.js";

export function Devices() {
  const devices = useSignal<readonly DeviceEntry[]>([]);
  const ready = phase.value === "ready";
  const load = async () => {
    const found = await attempt(() => client().devices());
    if (found) devices.value = found.sort((one, other) => other.last_seen - one.last_seen);
  };
  useEffect(() => void (ready && load()), [ready]);
  if (!devices.value.length) return null;
  const remove = ({ device }: DeviceEntry) =>
    confirm({
      title: t("devices.remove"),
      text: t("devices.remove.text"),
      action: t("devices.remove"),
      onConfirm: () => void attempt(() => client().removeDevice(device)).then(load),
    });
  return (
    <Card title={t("devices.title")}>
      {devices.value.map((entry) => (
        <div key={entry.device} class="setting">
          <Icon name="globe" />
          <span class="setting-text">
            <span class="line">{[entry.app, entry.os].filter(Boolean).join(", ") || entry.device}</span>
            <span class="small quiet">
              {entry.device === client().device ? t("devices.this") : t("presence.seen", { time: shortTime(entry.last_seen) })}
            </span>
          </span>
          {entry.device !== client().device && (
            <button type="button" class="icon-button" aria-label={t("devices.remove")} onClick={() => remove(entry)}>
              <Icon name="sign-out" />
            </button>
          )}
        </div>
      ))}
    </Card>
  );
}
