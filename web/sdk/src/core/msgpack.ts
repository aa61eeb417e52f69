/** MessagePack as far as protocol.md, "MessagePack", allows it: numbers, never BigInt; bytes in host data; pure. */

import { textOf, utf8 } from "./utf8.js";

/** Levels of a server's packet: 16 of the data of a host below those of a batch, a reply and its events. */
const DEPTH_MAX = 32;

/** Return the bytes of a value; throws TypeError for what has no place in a packet. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  put(out, value);
  return Uint8Array.from(out);
}

/** Return the one value in `bytes`; throws RangeError for anything else. */
export function decode(bytes: Uint8Array<ArrayBuffer>): unknown {
  return new Reader(bytes).whole();
}

/** Return type and data of an `ext`, which is allowed around a whole frame only; undefined for any other frame. */
export function unwrap(bytes: Uint8Array<ArrayBuffer>): [type: number, data: Uint8Array<ArrayBuffer>] | undefined {
  const head = bytes[0]!;
  const at = head >= 0xd4 && head <= 0xd8 ? 1 : head >= 0xc7 && head <= 0xc9 ? 1 + (1 << (head - 0xc7)) : 0;
  return at ? [bytes[at]!, bytes.subarray(at + 1)] : undefined;
}

function put(out: number[], value: unknown): void {
  if (value === null) out.push(0xc0);
  else if (typeof value === "boolean") out.push(value ? 0xc3 : 0xc2);
  else if (typeof value === "number") putNumber(out, value);
  else if (typeof value === "string") {
    const bytes = utf8(value);
    putHead(out, bytes.length, 0xa0, 32, 0xd9);
    for (const byte of bytes) out.push(byte);
  } else if (value instanceof Uint8Array) {
    putHead(out, value.length, 0, 0, 0xc4);
    for (const byte of value) out.push(byte);
  } else if (Array.isArray(value)) {
    putHead(out, value.length, 0x90, 16, 0xdb);
    for (const item of value) put(out, item);
  } else if (typeof value === "object") {
    const given = Object.entries(value).filter(([, item]) => item !== undefined);
    putHead(out, given.length, 0x80, 16, 0xdd);
    for (const [name, item] of given) {
      put(out, name);
      put(out, item);
    }
  } else throw new TypeError(`a ${typeof value} has no place in a packet`);
}

/** Write a length: in the first byte if it is below `small`, else in 1, 2 or 4 bytes behind `wide` and the two codes
 * after it. Arrays and maps have no form with 1 byte: theirs would be one below the first code they have. */
function putHead(out: number[], length: number, fixed: number, small: number, wide: number): void {
  if (length < small) out.push(fixed | length);
  else if (length < 0x100 && wide !== 0xdb && wide !== 0xdd) out.push(wide, length);
  else if (length < 0x10000) out.push(wide + 1, length >> 8, length & 0xff);
  else out.push(wide + 2, ...wideBytes(length, 4));
}

function putNumber(out: number[], value: number): void {
  if (!Number.isSafeInteger(value)) {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    out.push(0xcb, ...new Uint8Array(view.buffer));
  } else if (value >= -32 && value < 0x80) out.push(value & 0xff);
  else {
    let power = 0;
    while (power < 3 && (value < 0 ? -value > 2 ** (8 * 2 ** power - 1) : value >= 2 ** (8 * 2 ** power))) power++;
    out.push((value < 0 ? 0xd0 : 0xcc) + power, ...wideBytes(value, 1 << power));
  }
}

/** Return an integer in `count` bytes, in two's complement. */
function wideBytes(value: number, count: number): number[] {
  const bytes: number[] = [];
  for (let left = count; left; left--, value = Math.floor(value / 256)) bytes.unshift(((value % 256) + 256) % 256);
  return bytes;
}

class Reader {
  private _at = 0;
  private readonly _view: DataView;

  constructor(private readonly _bytes: Uint8Array<ArrayBuffer>) {
    this._view = new DataView(_bytes.buffer, _bytes.byteOffset, _bytes.byteLength);
  }

  whole(): unknown {
    const value = this._value(0);
    if (this._at !== this._bytes.length) throw new RangeError("too long");
    return value;
  }

  private _value(level: number): unknown {
    const head = this._integer(1);
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head < 0x90) return this._map(head & 15, level);
    if (head < 0xa0) return this._array(head & 15, level);
    if (head < 0xc0) return this._text(head & 31);
    if (head === 0xc0) return null;
    if (head === 0xc2 || head === 0xc3) return head === 0xc3;
    const size = 1 << (head & 3);
    if (head >= 0xc4 && head < 0xc7) return this._raw(this._integer(size)).slice();
    if (head === 0xca) return this._view.getFloat32(this._skip(4));
    if (head === 0xcb) return this._view.getFloat64(this._skip(8));
    if (head >= 0xcc && head < 0xd0) return this._integer(size);
    if (head >= 0xd0 && head < 0xd4) return this._signed(size);
    if (head >= 0xd9 && head < 0xdc) return this._text(this._integer(size >> 1));
    if (head === 0xdc || head === 0xdd) return this._array(this._integer(2 * size), level);
    if (head >= 0xde) return this._map(this._integer(size >> 1), level);
    throw new RangeError("no value");
  }

  private _array(length: number, level: number): unknown[] {
    const items: unknown[] = [];
    this._deeper(level);
    for (let left = length; left; left--) items.push(this._value(level + 1));
    return items;
  }

  private _map(length: number, level: number): object {
    const map: Record<string, unknown> = {};
    this._deeper(level);
    for (let left = length; left; left--) {
      const name = this._value(level + 1);
      if (typeof name !== "string") throw new RangeError("no text");
      const value = this._value(level + 1);
      // An assignment would change the prototype.
      if (name !== "__proto__") map[name] = value;
      else Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return map;
  }

  private _text(length: number): string {
    const start = this._skip(length);
    const text = textOf(this._bytes, start, this._at);
    if (text === undefined) throw new RangeError("no UTF-8");
    return text;
  }

  private _raw(length: number): Uint8Array<ArrayBuffer> {
    const start = this._skip(length);
    return this._bytes.subarray(start, this._at);
  }

  private _integer(size: number): number {
    let value = 0;
    for (let at = this._skip(size); at < this._at; at++) value = value * 256 + this._bytes[at]!;
    return value;
  }

  private _signed(size: number): number {
    // 64 bits at once would lose the low ones.
    if (size === 8) return this._signed(4) * 2 ** 32 + this._integer(4);
    const value = this._integer(size);
    return value < 2 ** (8 * size - 1) ? value : value - 2 ** (8 * size);
  }

  private _skip(length: number): number {
    const start = this._at;
    this._at += length;
    if (this._at > this._bytes.length) throw new RangeError("too short");
    return start;
  }

  private _deeper(level: number): void {
    if (level >= DEPTH_MAX) throw new RangeError("too deep");
  }
}
