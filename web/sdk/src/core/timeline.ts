import type { Message } from "./messages.js";

/** Messages of one stretch, ascending. `low` to `high` is what the page covers; `end`: nothing older is visible. */
export interface Page {
  readonly messages: readonly Message[];
  readonly low: number;
  readonly high: number;
  readonly seq: number;
  readonly end: boolean;
}
