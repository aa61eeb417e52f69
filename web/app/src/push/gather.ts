/** Decisions about notifications, put together by what they were about; pure. */
import type { Decision } from "@chatd/client/push";

/** One thing that was told or not, with what became of it on each device. */
export interface Told {
  readonly key: string;
  /** Of the latest decision, in Unix milliseconds. */
  readonly time: number;
  readonly kind: string;
  readonly room?: string;
  readonly seq?: number;
  readonly decisions: readonly Decision[];
}

/** Gather decisions by message and kind, the newest first; of each device the last decision counts. */
export function gather(decisions: readonly Decision[]): Told[] {
  const found = new Map<string, Decision[]>();
  for (const decision of decisions.toSorted((one, other) => other.time - one.time)) {
    // It took others away, and told nothing.
    if (decision.kind === "read") continue;
    const { kind, room, seq, time } = decision;
    const key = `${kind} ${room ?? ""} ${seq ?? time}`;
    const known = found.get(key);
    if (!known) found.set(key, [decision]);
    else if (!known.some(({ device }) => device === decision.device)) known.push(decision);
  }
  return [...found].map(([key, list]) => {
    const { time, kind, room, seq } = list[0]!;
    return { key, time, kind, ...(room !== undefined && { room }), ...(seq !== undefined && { seq }), decisions: list };
  });
}
