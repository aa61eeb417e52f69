/** Ogg Opus as a listener reads it: packets from bytes as they come (RFC 3533, RFC 7845). The server has checked the pages. */

const HEAD_BYTES = 27;

/** The packets of one stream. `feed` returns those that became whole; the first two describe it. */
export class OggReader {
  private _rest = new Uint8Array(0);
  private _packet: Uint8Array[] = [];

  /** Take bytes; return the packets that are whole now. Throws an Error for bytes that are no Ogg. */
  feed(bytes: Uint8Array): Uint8Array[] {
    const packets: Uint8Array[] = [];
    let data = joined([this._rest, bytes]);
    while (data.length >= HEAD_BYTES) {
      if (String.fromCharCode(...data.subarray(0, 4)) !== "OggS") throw new Error("no page of Ogg");
      const start = HEAD_BYTES + data[26]!;
      const lacing = data.subarray(HEAD_BYTES, start);
      const end = start + lacing.reduce((sum, length) => sum + length, 0);
      if (data.length < end) break;
      let at = start;
      for (const length of lacing) {
        this._packet.push(data.subarray(at, at + length));
        at += length;
        if (length < 255) packets.push(joined(this._packet.splice(0)));
      }
      data = data.subarray(end);
    }
    this._rest = data.slice();
    return packets;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
