/** The settings of a client, each with its unit and its reason; the durations are in core/timing.ts. */

import { TIMING, type Timing } from "./core/timing.js";

export interface Settings {
  readonly app: string;
  readonly os: string;
  readonly locale: string;
  /** Rooms in the first page of a sync (protocol.md, "sync"). */
  readonly firstPage: number;
  /** Whether the first page brings the latest message of each room, for the list of rooms. */
  readonly previews: boolean;
  /** Events per changed room inside a reconnect's reply, up to 50 (protocol.md, "hello"). */
  readonly inlineEvents: number;
  /** Repair every room at once, not only those on the screen: for bots and tests. */
  readonly prefetch: boolean;
  /** Messages cached per room that is not on the screen; 0 keeps positions only. */
  readonly messagesKept: number;
  /** Confirm to senders that messages arrived here. */
  readonly delivered: boolean;
  /** Messages that may wait; above it `OutboxFull`. */
  readonly outboxMax: number;
  /** Told of everything that is wrong but needs no action; by default it is written to the console. */
  readonly log: (text: string) => void;
  readonly timing: Timing;
}

/** The defaults suit an interactive app. */
export const SETTINGS: Settings = {
  app: "",
  os: "",
  locale: "",
  firstPage: 30,
  previews: true,
  inlineEvents: 20,
  prefetch: false,
  messagesKept: 2000,
  delivered: true,
  outboxMax: 10_000,
  log: (text) => console.warn(`chatd: ${text}`),
  timing: TIMING,
};
