/** The row of a page, and the way of a menu, to the report of what is shown there. */
import type { Subject } from "@chatd/client/platform";
import { t } from "../locale/locale.js";
import { Action } from "../shell/controls.js";
import { openDialog } from "../shell/dialog.js";

export interface Reported {
  subject: Subject;
  /** The name of the user, or of the room. */
  name: string;
  /** The user whom it is about, if it is about one. */
  user?: string;
  /** The text of the message. */
  quote?: string;
}

/** Ask what is wrong with something, and tell the moderators. */
export const openReport = (reported: Reported) =>
  openDialog(async () => (await import("./report_dialog.js")).ReportDialog, reported);

/** Return the title of a report. */
export function titleOfReport({ subject, name }: Reported): string {
  if ("user" in subject) return t("report.person", { name });
  return t(subject.seq === undefined ? "report.room" : "report.message");
}

/** `subject` is a person or a room. */
export function ReportAction(reported: Reported) {
  const { subject } = reported;
  const user = "user" in subject ? { user: subject.user } : {};
  return <Action icon="flag" label={titleOfReport(reported)} danger onClick={() => void openReport({ ...reported, ...user })} />;
}
