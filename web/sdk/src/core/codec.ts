/** What both encodings have in common (protocol.md, "Transport and encoding"); pure. msgpack.ts and json.ts are entries
 * of their own, so that nobody loads both.
 *
 * One packet or a batch of them makes a frame. Every limit of decoding is explicit.
 */

import type { Packet } from "./packets.js";

/** Packets in a batch (protocol.md, "Size limits"). */
export const BATCH_MAX = 64;

/** Levels of a packet (protocol.md, "MessagePack"). */
const DEPTH_MAX = 16;

/** Hard bound of a server frame before and after inflating (protocol.md, "Size limits"): half the receive limit of
 * iOS. */
export const FRAME_BYTES_MAX = 512 * 1024;

/** The peer sent something that is not a frame of this protocol. */
export class BadFrame extends Error {
  override readonly name = "BadFrame";
}

/** One encoded packet, or one frame. */
export type Bytes = string | Uint8Array<ArrayBuffer>;

/** One encoding. `encode` returns one packet; `join` makes a frame of 1 to 64; `decode` throws `BadFrame`, or rejects
 * with it where a frame has to be inflated. */
export interface Codec {
  readonly subprotocol: string;
  /** The feature words of this encoding. */
  readonly features: readonly string[];
  encode(packet: Packet): Bytes;
  size(packet: Bytes): number;
  join(packets: readonly Bytes[]): Bytes;
  decode(frame: unknown): Packet[] | Promise<Packet[]>;
}

/** Return text without half surrogate pairs: U+FFFD stands in their place, as in every text that a page sends. */
export function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, (found) => (found[1] ? found : "\ufffd"));
}

/** Return a copy of a value as it will be sent: without keys that are undefined, and with whole characters only. Throws
 * TypeError for what no server takes, so that it does not get into an outbox. */
export function sendable<T>(value: T, level?: number): T;
export function sendable(value: unknown, level = 1): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError("not a finite number");
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new TypeError("an integer beyond 53 bits");
    return value;
  }
  if (typeof value === "boolean" || value === null || value instanceof Uint8Array) return value;
  if (typeof value !== "object") throw new TypeError(`a ${typeof value} has no place in a packet`);
  if (level > DEPTH_MAX) throw new TypeError(`nested deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) return value.map((item) => sendable(item, level + 1));
  const given = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(given.map(([name, item]) => [wellFormed(name), sendable(item, level + 1)]));
}

/** Return the packets of the content that `read` finds. */
export function reading(read: () => unknown): Packet[] {
  let content;
  try {
    content = read();
  } catch (error) {
    throw error instanceof BadFrame ? error : new BadFrame(String(error));
  }
  const packets: unknown[] = Array.isArray(content) ? content : [content];
  const maps = packets.every((packet) => typeof packet === "object" && packet !== null && !Array.isArray(packet));
  if (!packets.length || packets.length > BATCH_MAX || !maps) {
    throw new BadFrame("neither a map nor an array of 1 to 64 maps");
  }
  return packets as Packet[];
}
