/** The dialog that says of one message why the user was notified of it, or not. */
import "./styles.js";
import { useSignal } from "@preact/signals";
import { pushDecisions, type Decision } from "@chatd/client/push";
import { useEffect } from "preact/hooks";
import { t } from "../locale/locale.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { client } from "../shell/state.js";
import { useDeviceNames } from "./device_names.js";
import { gather } from "./gather.js";
import { Outcomes } from "./outcomes.js";
import { refusalText } from "./reasons.js";

interface WhyProps {
  room: string;
  seq: number;
  quote: string;
}

export function WhyMessage({ room, seq, quote }: WhyProps) {
  const decisions = useSignal<readonly Decision[] | null>(null);
  const problem = useSignal("");
  const devices = useDeviceNames();
  useEffect(() => {
    pushDecisions(client(), { room, seq }).then(
      (found) => (decisions.value = gather(found).flatMap((told) => told.decisions)),
      (error: unknown) => (problem.value = refusalText(error)),
    );
  }, []);
  const actions = (
    <button type="submit" class="button primary">
      {t("action.close")}
    </button>
  );
  return (
    <Dialog title={t("why.title")} actions={actions} onSubmit={closeDialog}>
      <blockquote class="note-quote">
        <bdi>{quote}</bdi>
      </blockquote>
      <div class="why-answer" role="status" onClick={(event) => (event.target as Element).closest("a") && closeDialog()}>
        {problem.value && <p class="problem">{problem.value}</p>}
        {decisions.value?.length === 0 && <p>{t("why.none")}</p>}
        {decisions.value && <Outcomes decisions={decisions.value} devices={devices} />}
      </div>
    </Dialog>
  );
}
