/** The stretches of the log of a room that are cached, and the number up to which each is known to be right; pure.
 *
 * The set is a piecewise map from `seq` to `valid`: closed intervals, ascending, never overlapping, neighbours with the
 * same `valid` joined. `valid` is the `seq` up to which every change of that stretch is known (protocol.md, "Positions,
 * gaps and repair"). Coverage comes only from replies that state it, never from the numbers of messages.
 */

/** The numbers `low` to `high`, both included, right up to event `valid`. */
export type Interval = readonly [low: number, high: number, valid: number];

/** The cached stretches of one room. */
export class Intervals {
  parts: readonly Interval[] = [];

  /** Note that `low` to `high` is cached and right up to `valid`; where a newer `valid` is known, keep it. */
  add(low: number, high: number, valid: number): void {
    if (low > high) return;
    const parts: Interval[] = [];
    // The lowest number that is not yet given to a part with a newer `valid`.
    let free = low;
    for (const part of this.parts) {
      const [partLow, partHigh, partValid] = part;
      if (partLow < low) parts.push([partLow, Math.min(partHigh, low - 1), partValid]);
      if (partHigh > high) parts.push([Math.max(partLow, high + 1), partHigh, partValid]);
      if (partValid <= valid || partLow > high || partHigh < low) continue;
      const newer: Interval = [Math.max(partLow, low), Math.min(partHigh, high), partValid];
      if (free < newer[0]) parts.push([free, newer[0] - 1, valid]);
      parts.push(newer);
      free = newer[1] + 1;
    }
    if (free <= high) parts.push([free, high, valid]);
    this.parts = joined(parts.sort((one, other) => one[0] - other[0]));
  }

  /** Move the end of the log from `old` to `now`: everything right up to `old` stays right, the newest stretch grows
   * (protocol.md, "Positions, gaps and repair"). */
  advance(old: number, now: number): void {
    this.parts = this.parts.map((part) => (part[2] === old ? [part[0], part[1], now] : part));
    this.add(now, now, now);
  }

  /** Return the interval that holds `seq`. */
  holding(seq: number): Interval | undefined {
    return this.parts.find(([low, high]) => low <= seq && seq <= high);
  }

  /** Return the lowest number reached from `seq` downwards without a hole; `seq` + 1 if it is not cached. */
  coveredDownFrom(seq: number): number {
    let lowest = seq + 1;
    for (const [low, high] of [...this.parts].reverse()) if (low < lowest && lowest <= high + 1) lowest = low;
    return lowest;
  }

  /** Return the cached stretches between `low` and `high`, cut to those bounds. */
  within(low: number, high: number): Interval[] {
    return this.parts
      .filter((part) => part[0] <= high && part[1] >= low)
      .map((part) => [Math.max(part[0], low), Math.min(part[1], high), part[2]]);
  }

  /** Return the first stretch between `low` and `high` that is not right up to `current`, cut to those bounds. */
  stale(low: number, high: number, current: number): Interval | undefined {
    return this.within(low, high).find((part) => part[2] < current);
  }

  /** Drop everything below `seq`. */
  forgetBelow(seq: number): void {
    this.parts = this.within(seq, Infinity);
  }

  /** Drop everything. */
  clear(): void {
    this.parts = [];
  }
}

function joined(parts: Interval[]): Interval[] {
  const found: Interval[] = [];
  for (const part of parts) {
    const last = found.at(-1);
    if (last && last[2] === part[2] && last[1] + 1 === part[0]) found[found.length - 1] = [last[0], part[1], last[2]];
    else found.push(part);
  }
  return found;
}
