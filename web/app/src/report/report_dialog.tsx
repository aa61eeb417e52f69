/** The report of a message, a person or a group: what is wrong, some words if one likes, and a thank-you. */
import "../people/people_styles.js";
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { report, reportKey, REASONS, type Reason } from "@chatd/client/platform";
import { t } from "../locale/locale.js";
import { Field } from "../people/fields.js";
import { askToBlock } from "../people/verbs.js";
import { isBlocked, peopleOn } from "../shell/contacts.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import { client, me } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { titleOfReport, type Reported } from "./report_action.js";

/** Most signs of a report (protocol.md, "report"). */
const TEXT_MAX = 1000;

export function ReportDialog(reported: Reported) {
  const { subject, quote } = reported;
  const reason = useSignal<Reason | "">("");
  const text = useSignal("");
  const busy = useSignal(false);
  const problem = useSignal("");
  const filed = useSignal<{ report: string; duplicate?: boolean } | undefined>(undefined);
  // The same for a second try: the answer of the first may be lost.
  const key = useMemo(reportKey, []);
  if (filed.value) return <Thanks {...filed.value} about={reported.user ?? ""} />;
  const send = async () => {
    if (!reason.value || busy.value) return;
    busy.value = true;
    problem.value = "";
    try {
      filed.value = await report(client(), subject, reason.value, { text: text.value.trim(), key });
    } catch (error) {
      problem.value = errorText(error);
    }
    busy.value = false;
  };
  const tooLong = [...text.value].length > TEXT_MAX;
  const actions = (
    <>
      <button type="button" class="button" onClick={closeDialog}>
        {t("action.cancel")}
      </button>
      <button type="submit" class="button primary" disabled={!reason.value || tooLong || busy.value}>
        {t("report.send")}
      </button>
    </>
  );
  return (
    <Dialog title={titleOfReport(reported)} actions={actions} onSubmit={() => void send()}>
      {quote && (
        <blockquote class="note-quote report-quote" dir="auto">
          {quote}
        </blockquote>
      )}
      <fieldset class="radios">
        <legend>{t("report.why")}</legend>
        {REASONS.map((one) => (
          <label key={one} class="check">
            <input type="radio" name="reason" checked={reason.value === one} onChange={() => (reason.value = one)} />
            <span>{t(`report.is-${one}`)}</span>
          </label>
        ))}
      </fieldset>
      <Field label={t("report.text")} hint={t("report.text.hint")} value={text} max={TEXT_MAX} lines={2} />
      <p class="small quiet">
        {t("user" in subject ? "report.sends.person" : subject.seq === undefined ? "report.sends.room" : "report.sends.message")}
      </p>
      <p class="problem" role="alert">
        {problem.value}
      </p>
    </Dialog>
  );
}

/** What became of the report, and how to be rid of whom it is about. */
function Thanks({ report: number, duplicate = false, about }: { report: string; duplicate?: boolean; about: string }) {
  const mayBlock = peopleOn.value && about !== "" && about !== me.value && !isBlocked(about);
  const actions = (
    <>
      {mayBlock && (
        <button type="button" class="button danger" onClick={() => askToBlock(about)}>
          {t("report.block", { name: userOf(about).value.name })}
        </button>
      )}
      <button type="submit" class="button primary">
        {t("action.close")}
      </button>
    </>
  );
  return (
    <Dialog title={t("report.thanks")} actions={actions} onSubmit={closeDialog}>
      <p role="status">{t(duplicate ? "report.thanks.duplicate" : "report.thanks.text")}</p>
      <p class="small quiet">{t("report.number", { report: number })}</p>
    </Dialog>
  );
}
