/** Ogg Opus as a recorder writes it: a page for each half second, so that it is heard while it is spoken (RFC 3533, RFC 7845). */

const RATE_HZ = 48_000;
/** Of sound on a page. */
const PAGE_SAMPLES = RATE_HZ / 2;
const FIRST = 2;
const LAST = 4;
/** Samples that a decoder throws away at the begin. */
const PRE_SKIP = 312;

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  return crc >>> 0;
});

/** The pages of one note. `begin` returns the first two, `add` a page when there is enough for one, `end` the last. */
export class OggWriter {
  private readonly _serial = crypto.getRandomValues(new Uint32Array(1))[0]!;
  private _number = 0;
  private _granule = 0;
  private _waiting = 0;
  private _packets: Uint8Array[] = [];

  begin(channels: number, rateHz: number): Uint8Array<ArrayBuffer> {
    const head = new Uint8Array(19);
    head.set([...letters("OpusHead"), 1, channels]);
    const view = new DataView(head.buffer);
    view.setUint16(10, PRE_SKIP, true);
    view.setUint32(12, rateHz, true);
    const tags = Uint8Array.from([...letters("OpusTags"), 0, 0, 0, 0, 0, 0, 0, 0]);
    const pages = [this._page([head], FIRST), this._page([tags], 0)];
    return Uint8Array.from(pages.flatMap((page) => [...page]));
  }

  /** Take a packet of so many samples at 48 kHz. */
  add(packet: Uint8Array, samples: number): Uint8Array<ArrayBuffer> | undefined {
    this._packets.push(packet);
    this._waiting += samples;
    return this._waiting >= PAGE_SAMPLES ? this._flush(0) : undefined;
  }

  end(): Uint8Array<ArrayBuffer> {
    return this._flush(LAST);
  }

  private _flush(flags: number): Uint8Array<ArrayBuffer> {
    this._granule += this._waiting;
    this._waiting = 0;
    return this._page(this._packets.splice(0), flags);
  }

  private _page(packets: readonly Uint8Array[], flags: number): Uint8Array<ArrayBuffer> {
    const lacing = packets.flatMap(({ length }) => [...new Array<number>(Math.floor(length / 255)).fill(255), length % 255]);
    const head = [...letters("OggS"), 0, flags, ...new Array<number>(20).fill(0), lacing.length, ...lacing];
    const page = Uint8Array.from([...head, ...packets.flatMap((packet) => [...packet])]);
    const view = new DataView(page.buffer);
    view.setBigUint64(6, BigInt(this._granule), true);
    view.setUint32(14, this._serial, true);
    view.setUint32(18, this._number++, true);
    view.setUint32(22, page.reduce((crc, byte) => ((crc << 8) ^ CRC[(crc >>> 24) ^ byte]!) >>> 0, 0), true);
    return page;
  }
}

const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
