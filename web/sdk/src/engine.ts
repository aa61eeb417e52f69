import type { Entry } from "./core/outbox.js";
import type { UserEntry } from "./core/packets.js";
import type { Phase } from "./core/states.js";
import type { Closed } from "./core/errors.js";
import type { Change } from "./core/changes.js";
import type { Timing } from "./core/timing.js";
import type { Receipt } from "./sender.js";
import type { Env } from "./env.js";
import type { Packet } from "./core/packets.js";

/** The state of a watched user; `last_seen` in Unix milliseconds, 0 if unknown. */
export interface Presence {
  readonly state: string;
  readonly last_seen: number;
}

export declare interface Engine {
  readonly env: Env;
  readonly timing: Timing;
  readonly tab: string;
  readonly device: string;
  readonly phase: Phase;
  readonly closed: Closed | undefined;
  readonly feed: { subscribe(listener: (change: Change) => void): () => void };
  readonly account: any;
  readonly users: Map<string, UserEntry>;
  readonly drafts: Map<string, unknown>;
  readonly sender: { outbox: Iterable<Entry> };
  readonly typingState: { inRoom(room: string): string[] };
  start(): Promise<void>;
  close(): Promise<void>;
  connected(timeoutS: number): Promise<void>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  opened(room: string): Promise<void>;
  post(packet: Packet): Promise<string>;
  deliver(packet: Packet): Promise<Receipt>;
  setDraft(place: string, draft: unknown): Promise<void>;
  keepUsers(users: UserEntry[]): Promise<void>;
  run(name: string, ...args: unknown[]): Promise<any>;
}

export class Engine {
  constructor(readonly parts: any) {}
}
