/** In place of the composer, or above it: why the user may not write in this group, and until when. */
import "./group_styles.js";
import type { Hindrance } from "@chatd/client/conversations";
import { momentOf } from "../locale/moments.js";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { waitText } from "./durations.js";

export function HindranceBar({ why }: { why: Hindrance }) {
  return (
    <p class={why.kind === "slow" ? "waits" : "waits alone"} role={why.kind === "slow" ? undefined : "status"}>
      <Icon name={why.kind === "slow" ? "clock" : "silence"} />
      <span>{textOf(why)}</span>
    </p>
  );
}

function textOf(why: Hindrance): string {
  if (why.kind === "staff_only") return t("hindrance.staff_only");
  if (why.kind === "slow") return t("hindrance.slow", { time: waitText(Math.max(1, Math.ceil((why.until - Date.now()) / 1000))) });
  if (why.until === 1) return t("hindrance.silenced");
  return t("hindrance.silenced.until", { time: momentOf(why.until) });
}
