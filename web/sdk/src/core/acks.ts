/** The event of an acknowledgement, which the connection of the author gets in its place; pure.
 *
 * Source: protocol.md, "Positions, gaps and repair".
 */

import type { Ack, Event, Packet } from "./packets.js";

/** Milliseconds by which `composed_at` must differ from `time` to be stored (protocol.md, "send"). */
const COMPOSED_SLACK_MS = 60_000;

/** The requests whose event follows from the request alone, and its kind. Membership is not among them: the server leaves
 * users who were members already out of the event. */
const KINDS: Readonly<Record<string, string>> = {
  send: "message", edit: "edit", recall: "recall", react: "reaction", pin: "pin", "room.update": "settings",
};

/** Return the event a mutation became; undefined where the log has none (no `seq`, or a type not in `KINDS`). */
export function eventOf(packet: Packet, ack: Ack, user: string): Event | undefined {
  // A filter of the server changed what was sent.
  if (ack.event) return ack.event;
  const { type, room: _, silent: __, key, composed_at = 0, ...named } = packet;
  const kind = KINDS[type];
  if (!kind || ack.seq === undefined) return undefined;
  const { seq, time = 0, ordinal } = ack;
  const event: Event = { seq, kind, user, time, ...named };
  if (kind !== "message") return event;
  event.key = key;
  if (composed_at && Math.abs(composed_at - time) > COMPOSED_SLACK_MS) event.composed_at = composed_at;
  return ordinal === undefined ? event : { ...event, ordinal };
}
