/**
 * The messages on the page: one stretch of a room without a hole; pure.
 *
 * A stretch covers the numbers `low` to `high`, among them events that are no messages. It grows by pages at both
 * ends, and what is too many goes from the other end, which the reader does not see.
 */

/** Most messages on the page: some ten screens, and a layout of few milliseconds. */
export const WINDOW_MAX = 300;

/** Messages of a page, as `history` gives them (protocol.md, "history"). */
export const PAGE = 50;

export interface Numbered {
  readonly seq: number;
}

/** A page of `room.history` and `room.timeline`. */
export interface Page<M extends Numbered> {
  readonly messages: readonly M[];
  readonly low: number;
  readonly high: number;
  /** Whether nothing older is visible. */
  readonly end: boolean;
}

export interface Stretch<M extends Numbered> {
  readonly messages: readonly M[];
  readonly low: number;
  readonly high: number;
  /** Whether nothing older is visible to the user. */
  readonly first: boolean;
  /** Whether it reaches the newest event that was applied. */
  readonly last: boolean;
}

export const EMPTY: Stretch<never> = { messages: [], low: 1, high: 0, first: false, last: false };

/** Return the stretch of one page; `applied` is the newest event of the room here. */
export function opened<M extends Numbered>(page: Page<M>, applied: number): Stretch<M> {
  return { messages: page.messages, low: page.low, high: page.high, first: page.end, last: page.high >= applied };
}

/** Return the stretch with an older page before it; one that leaves a hole changes nothing. */
export function withOlder<M extends Numbered>(stretch: Stretch<M>, page: Page<M>): Stretch<M> {
  if (page.high < stretch.low - 1 || page.low > stretch.low) {
    return page.end && page.low > page.high ? { ...stretch, first: true } : stretch;
  }
  const older = page.messages.filter((message) => message.seq < stretch.low);
  const grown = { ...stretch, messages: [...older, ...stretch.messages], low: page.low, first: page.end };
  return grown.messages.length > WINDOW_MAX ? withoutNewest(grown, grown.messages.length - WINDOW_MAX) : grown;
}

/** Return the stretch with a newer page behind it; one that leaves a hole changes nothing. */
export function withNewer<M extends Numbered>(stretch: Stretch<M>, page: Page<M>, applied: number): Stretch<M> {
  if (page.low > stretch.high + 1 || page.high < stretch.high) return stretch;
  const newer = page.messages.filter((message) => message.seq > stretch.high);
  const last = page.high >= applied;
  return withoutOldest({ ...stretch, messages: [...stretch.messages, ...newer], high: page.high, last });
}

/** Return the stretch with messages that were just applied, if it reached up to them. */
export function withLive<M extends Numbered>(stretch: Stretch<M>, added: readonly M[], applied: number): Stretch<M> {
  if (!stretch.last) return stretch;
  const newer = added.filter((message) => message.seq > stretch.high);
  return withoutOldest({ ...stretch, messages: [...stretch.messages, ...newer], high: Math.max(stretch.high, applied) });
}

/** Return whether the stretch covers the event. */
export function covers(stretch: Stretch<Numbered>, seq: number): boolean {
  return stretch.low <= seq && seq <= stretch.high;
}

function withoutNewest<M extends Numbered>(stretch: Stretch<M>, count: number): Stretch<M> {
  const kept = stretch.messages.slice(0, -count);
  const high = (stretch.messages[kept.length]?.seq ?? stretch.low) - 1;
  return { ...stretch, messages: kept, high, last: false };
}

/** Cut what is beyond the bound, and a page more: one cut in fifty messages is cheaper than one for each. */
function withoutOldest<M extends Numbered>(stretch: Stretch<M>): Stretch<M> {
  const extra = stretch.messages.length - WINDOW_MAX;
  if (extra <= 0) return stretch;
  const kept = stretch.messages.slice(extra + PAGE);
  return { ...stretch, messages: kept, low: kept[0]?.seq ?? stretch.high, first: false };
}
