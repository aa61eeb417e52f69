/** `@chatd/client/msgpack`: the usual encoding, `chatd.v1.msgpack`. Who names none loads it at the start; an app that
 * wants it in its first file says so: `new Client({ url, token, codec: msgpack })`. */

import { BadFrame, FRAME_BYTES_MAX, reading, type Codec } from "./core/codec.js";
import { decode, encode, unwrap } from "./core/msgpack.js";

const DEFLATE_TYPE = 1;
const FORMAT = "deflate-raw";

/** Binary frames, with the `deflate` wrapper on the way in where the platform can inflate. */
export const msgpack: Codec = {
  subprotocol: "chatd.v1.msgpack",

  features: canInflate() ? ["deflate"] : [],

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

  decode(frame) {
    if (typeof frame === "string") throw new BadFrame("a text frame");
    const bytes = new Uint8Array(frame as ArrayBuffer);
    if (bytes.length > FRAME_BYTES_MAX) throw new BadFrame("too big");
    const wrapper = unwrap(bytes);
    if (!wrapper) return reading(() => decode(bytes));
    const [type, data] = wrapper;
    if (type !== DEFLATE_TYPE) throw new BadFrame("wrapper");
    return inflate(data).then(
      (inflated) => reading(() => decode(inflated)),
      (error: unknown) => {
        throw new BadFrame(String(error));
      },
    );
  },
};

/** Whether the platform can: some have the class without this format. */
function canInflate(): boolean {
  try {
    return !!new DecompressionStream(FORMAT);
  } catch {
    return false;
  }
}

/** Return the content of raw DEFLATE: complete, nothing behind it, no more than a frame may hold. */
async function inflate(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream(FORMAT)).getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let size = 0, next; !(next = await reader.read()).done; chunks.push(next.value)) {
    if ((size += next.value.length) > FRAME_BYTES_MAX) throw new RangeError("too big");
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
