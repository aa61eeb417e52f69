/** A count in a pill, as of unread messages. */
import { number } from "../locale/locale.js";

export interface CountProps {
  count: number;
  /** Grey, for what need not be looked at now. */
  muted?: boolean;
  /** What it counts, to be read out; without it the count is decoration. */
  label?: string;
}

export function Count({ count, muted = false, label }: CountProps) {
  const spoken = label ? ({ role: "img", "aria-label": label } as const) : { "aria-hidden": true };
  return (
    <span class={muted ? "badge muted" : "badge"} {...spoken}>
      {count > 999 ? "999+" : number(count)}
    </span>
  );
}
