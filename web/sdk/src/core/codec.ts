/** Packets to frames and back, in MessagePack (protocol.md, "Transport and encoding"); pure. json.ts has the other
 * encoding.
 *
 * One packet or a batch of them makes a frame. Every limit of decoding is explicit.
 */

import { decode, encode, unwrap } from "./msgpack.js";
import type { Packet } from "./packets.js";
import { wellFormed } from "./utf8.js";

/** Packets in a batch (protocol.md, "Size limits"). */
export const BATCH_MAX = 64;

/** Levels of a packet (protocol.md, "MessagePack"). */
const DEPTH_MAX = 16;

/** Hard bound of a server frame before and after inflating (protocol.md, "Size limits"): half the receive limit of
 * iOS. */
export const FRAME_BYTES_MAX = 512 * 1024;

const DEFLATE_TYPE = 1;

/** The peer sent something that is not a frame of this protocol. */
export class BadFrame extends Error {
  override readonly name = "BadFrame";
}

/** One encoded packet, or one frame. */
export type Bytes = string | Uint8Array<ArrayBuffer>;

/** One encoding. `encode` returns one packet; `join` makes a frame of 1 to 64; `decode` throws `BadFrame`. */
export interface Codec {
  readonly subprotocol: string;
  encode(packet: Packet): Bytes;
  size(packet: Bytes): number;
  join(packets: readonly Bytes[]): Bytes;
  decode(frame: unknown): Packet[];
  /** Return the data of a frame that is a `deflate` wrapper (protocol.md, "The `deflate` wrapper"). */
  wrapped?(frame: unknown): Uint8Array<ArrayBuffer> | undefined;
}

/** `chatd.v1.msgpack`: binary frames, with the `deflate` wrapper on the way in. */
export const msgpack: Codec = {
  subprotocol: "chatd.v1.msgpack",

  encode,

  size: (packet) => packet.length,

  join(packets) {
    const count = packets.length;
    if (count === 1) return packets[0]!;
    const head = count < 16 ? [0x90 | count] : [0xdc, 0, count];
    const frame = new Uint8Array(packets.reduce((sum, packet) => sum + packet.length, head.length));
    frame.set(head);
    let at = head.length;
    for (const packet of packets as Uint8Array[]) {
      frame.set(packet, at);
      at += packet.length;
    }
    return frame;
  },

  decode: (frame) => reading(() => {
    if (typeof frame === "string") throw new BadFrame("a text frame on the binary subprotocol");
    const bytes = new Uint8Array(frame as ArrayBuffer);
    if (bytes.length > FRAME_BYTES_MAX) throw new BadFrame("more than a frame may hold");
    return decode(bytes);
  }),

  wrapped(frame) {
    const wrapper = typeof frame === "string" ? undefined : unwrap(new Uint8Array(frame as ArrayBuffer));
    if (wrapper && wrapper[0] !== DEFLATE_TYPE) throw new BadFrame(`wrapper of unknown type ${wrapper[0]}`);
    return wrapper?.[1];
  },
};

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
