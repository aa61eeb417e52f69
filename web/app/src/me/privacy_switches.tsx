/** What others see of the user, all of them or none. */
import { useComputed } from "@preact/signals";
import { t } from "../locale/locale.js";
import { Card, Switch } from "../shell/controls.js";
import { attempt } from "../shell/errors.js";
import { client, phase, preferences } from "../shell/state.js";

export function PrivacySwitches({ title }: { title: string }) {
  const offline = useComputed(() => phase.value !== "ready").value;
  const { receipts, presence } = preferences.value;
  return (
    <Card title={title}>
      <Switch
        icon="checks"
        label={t("me.receipts")}
        hint={t("me.receipts.hint")}
        on={receipts}
        disabled={offline}
        onChange={(on) => void attempt(() => client().showReceipts(on))}
      />
      <Switch
        icon="eye"
        label={t("me.presence")}
        hint={t("me.presence.hint")}
        on={presence}
        disabled={offline}
        onChange={(on) => void attempt(() => client().showPresence(on))}
      />
    </Card>
  );
}
