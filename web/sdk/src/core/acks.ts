/** The event of an acknowledgement, which the connection of the author gets in its place; pure.
 *
 * Source: protocol.md, "Positions, gaps and repair".
 */

import type { Ack, Event, Packet } from "./packets.js";

/** Milliseconds by which `composed_at` must differ from `time` to be stored (protocol.md, "send"). */
const COMPOSED_SLACK_MS = 60_000;

/** The requests whose event follows from the request alone: its kind, and the keys it takes over. Membership is not
 * among them: the server leaves users who were members already out of the event. */
const KEPT: Readonly<Record<string, readonly [kind: string, ...names: string[]]>> = {
  send: ["message", "key", "body"],
  edit: ["edit", "target", "body"],
  recall: ["recall", "target"],
  react: ["reaction", "target", "emoji", "set"],
  pin: ["pin", "target", "set"],
  "room.update": ["settings", "title", "avatar", "public", "data"],
};

/** Return the event a mutation became; undefined where the log has none (no `seq`, or a type not in `KEPT`). */
export function eventOf(packet: Packet, ack: Ack, user: string): Event | undefined {
  // A filter of the server changed what was sent.
  if (ack.event) return ack.event;
  const [kind, ...names] = KEPT[packet.type] ?? [""];
  if (!kind || ack.seq === undefined) return undefined;
  const { seq, time = 0, ordinal } = ack;
  const taken = names.filter((name) => name in packet).map((name) => [name, packet[name]]);
  const event: Event = { seq, kind, user, time, ...Object.fromEntries(taken) };
  if (kind !== "message") return event;
  const composed = packet.composed_at ?? 0;
  if (composed && Math.abs(composed - time) > COMPOSED_SLACK_MS) event.composed_at = composed;
  return ordinal === undefined ? event : { ...event, ordinal };
}
