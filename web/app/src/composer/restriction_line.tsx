/** Above the composer: until when the user may not write, or only slowly. */
import { useEffect } from "preact/hooks";
import "../people/people_styles.js";
import { momentOf } from "../locale/moments.js";
import { region, t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { followRestriction, restriction } from "./restriction.js";

export function RestrictionLine() {
  useEffect(followRestriction, []);
  const now = restriction.value;
  if (!now) return null;
  const time = now.kind === "slow" ? new Date(now.until).toLocaleTimeString(region.value) : momentOf(now.until);
  return (
    <p class="waits" role="status">
      <Icon name="clock" />
      <span>{now.isLong ? t("restriction.muted-long") : t(`restriction.${now.kind}`, { time })}</span>
    </p>
  );
}
