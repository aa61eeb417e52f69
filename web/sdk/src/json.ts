/** `@chatd/client/json`: the encoding for who reads along: `new Client({ url, token, codec: json })`. */

import { BadFrame, FRAME_BYTES_MAX, reading, type Codec } from "./core/codec.js";
import { utf8 } from "./core/utf8.js";

/** `chatd.v1.json`: the same maps as JSON text; bytes travel as `{"$bytes": base64url}`. */
export const json: Codec = {
  subprotocol: "chatd.v1.json",

  features: [],

  encode: (packet) => JSON.stringify(packet, (_, value) => (value instanceof Uint8Array ? bytesToJson(value) : value)),

  size: (packet) => utf8(packet as string).length,

  join: (packets) => (packets.length === 1 ? packets[0]! : `[${packets.join(",")}]`),

  decode: (frame) => reading(() => {
    if (typeof frame !== "string") throw new BadFrame("a binary frame");
    if (frame.length > FRAME_BYTES_MAX) throw new BadFrame("too big");
    return JSON.parse(frame, (_, value) => bytesFromJson(value));
  }),
};

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
