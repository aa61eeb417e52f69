/** Packets to frames and back, in both encodings (protocol.md, "Transport and encoding"); pure.
 *
 * One packet or a batch of them makes a frame. Every limit of decoding is explicit.
 */

import { inflate } from "./inflate.js";
import { decode, encode, Wrapper } from "./msgpack.js";
import type { Packet } from "./packets.js";
import { utf8, wellFormed } from "./utf8.js";

/** Packets in a batch (protocol.md, "Size limits"). */
export const BATCH_MAX = 64;

/** Levels of a packet (protocol.md, "MessagePack"). */
const DEPTH_MAX = 16;

/** Hard bound of a server frame before and after inflating (protocol.md, "Size limits"): half the receive limit of
 * iOS. */
const FRAME_BYTES_MAX = 512 * 1024;

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
}

/** `chatd.v1.msgpack`: binary frames, with the `deflate` wrapper on the way in. */
const msgpack: Codec = {
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
    const content = decode(bytes);
    if (!(content instanceof Wrapper)) return content;
    if (content.type !== DEFLATE_TYPE) throw new BadFrame(`wrapper of unknown type ${content.type}`);
    return decode(inflate(content.data, FRAME_BYTES_MAX));
  }),
};

/** `chatd.v1.json`: the same maps as JSON text; bytes travel as `{"$bytes": base64url}`. */
const json: Codec = {
  subprotocol: "chatd.v1.json",

  encode: (packet) => JSON.stringify(packet, (_, value) => (value instanceof Uint8Array ? bytesToJson(value) : value)),

  size: (packet) => utf8(packet as string).length,

  join: (packets) => (packets.length === 1 ? packets[0]! : `[${packets.join(",")}]`),

  decode: (frame) => reading(() => {
    if (typeof frame !== "string") throw new BadFrame("a binary frame on the text subprotocol");
    if (frame.length > FRAME_BYTES_MAX) throw new BadFrame("more than a frame may hold");
    return JSON.parse(frame, (_, value) => bytesFromJson(value));
  }),
};

export const CODECS = { msgpack, json };

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
function reading(read: () => unknown): Packet[] {
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

function bytesToJson(bytes: Uint8Array): unknown {
  const text = btoa(String.fromCharCode(...bytes));
  return { $bytes: text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "") };
}

function bytesFromJson(value: unknown): unknown {
  const text = (value as { $bytes?: unknown } | null)?.$bytes;
  if (typeof text !== "string" || Object.keys(value as object).length !== 1) return value;
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return value;
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
}
