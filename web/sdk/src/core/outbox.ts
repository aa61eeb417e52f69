import type { ErrorReply, Packet } from "./packets.js";

/** One mutation in the outbox. `packet` is the request without `id`. */
export interface Entry {
  readonly key: string;
  readonly room: string;
  readonly packet: Packet;
  readonly state: "queued" | "inflight" | "failed";
  /** The refusal it failed by, or is waiting after. */
  readonly error?: ErrorReply;
}
