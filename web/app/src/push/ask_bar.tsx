/** The question, above the composer after the first message: whether to notify of answers. The browser asks only whoever says
 * yes here, since it remembers a no for ever. */
import "./styles.js";
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { titleOf } from "../rooms/names.js";
import { notify } from "../shell/announcer.js";
import { Icon } from "../shell/icons.js";
import type { RoomState } from "../shell/state.js";
import { declineOffer, mayAsk, turnOn } from "./browser_push.js";
import { askedIn } from "./offer.js";

export function AskBar({ room }: { room: RoomState }) {
  const busy = useSignal(false);
  if (askedIn.value !== room.id || !mayAsk()) return null;
  const accept = async () => {
    busy.value = true;
    const state = await turnOn().catch(() => "failed" as const);
    busy.value = false;
    askedIn.value = "";
    notify(t(state === "on" ? "push.ask.done" : state === "blocked" ? "push.ask.blocked" : "push.ask.failed"));
  };
  const decline = () => {
    declineOffer();
    askedIn.value = "";
  };
  return (
    <section class="ask-bar" aria-label={t("push.title")}>
      <Icon name="bell" />
      <div class="ask-text">
        <strong>{t(room.summary.value.peer ? "push.ask.direct" : "push.ask.group", { name: titleOf(room) })}</strong>
        <span class="small quiet">{t("push.ask.text")}</span>
      </div>
      <div class="ask-deeds">
        <button type="button" class="button" disabled={busy.value} onClick={decline}>
          {t("push.ask.no")}
        </button>
        <button type="button" class="button primary" disabled={busy.value} onClick={() => void accept()}>
          {t("push.ask.yes")}
        </button>
      </div>
    </section>
  );
}
