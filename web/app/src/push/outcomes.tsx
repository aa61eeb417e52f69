/** What became of one notification: a line for each outcome, with the devices it holds for where there are several. */
import type { Decision } from "@chatd/client/push";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { follow, hrefOf } from "../shell/router.js";
import { iconOf, isSent, reasonOf, remedyOf } from "./reasons.js";

interface OutcomesProps {
  decisions: readonly Decision[];
  devices: ReadonlyMap<string, string>;
}

export function Outcomes({ decisions, devices }: OutcomesProps) {
  const byReason = new Map<string, Decision[]>();
  for (const decision of decisions) {
    const reason = reasonOf(decision);
    byReason.set(reason, [...(byReason.get(reason) ?? []), decision]);
  }
  return (
    <ul class="outcomes">
      {[...byReason].map(([reason, some]) => (
        <li key={reason} class={isSent(some[0]!.outcome) ? "outcome sent" : "outcome"}>
          <Icon name={iconOf(some[0]!.outcome)} />
          <span>
            {byReason.size > 1 && some.some(({ device }) => device) && <strong>{namesOf(some, devices)}</strong>}
            <span>{reason}</span> <Remedy decision={some[0]!} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function namesOf(decisions: readonly Decision[], devices: ReadonlyMap<string, string>): string {
  const names = decisions.map(({ device = "" }) => devices.get(device) || t("why.device"));
  return [...new Set(names)].join(t("names.separator"));
}

/** The way to where its cause is changed. */
function Remedy({ decision }: { decision: Decision }) {
  const remedy = remedyOf(decision);
  if (!remedy) return null;
  const to =
    remedy === "room"
      ? ({ name: "chat", room: decision.room!, about: true } as const)
      : ({ name: "page", of: "me", page: "notifications", id: "" } as const);
  return (
    <a href={hrefOf(to)} onClick={follow}>
      {t(remedy === "room" ? "why.change.room" : "why.change")}
    </a>
  );
}
