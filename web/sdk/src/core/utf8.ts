/** Text and UTF-8, both ways: not every platform of this client has a TextDecoder; pure. */

import { wellFormed } from "./codec.js";

/** Return the UTF-8 of a text, its bytes as numbers. */
export function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (const character of wellFormed(text)) {
    const point = character.codePointAt(0)!;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), last(point));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), last(point >> 6), last(point));
    else bytes.push(0xf0 | (point >> 18), last(point >> 12), last(point >> 6), last(point));
  }
  return bytes;
}

/** Return the text of the bytes from `at` to `end`; undefined if they are not UTF-8 (RFC 3629, section 4). */
export function textOf(bytes: Uint8Array, at: number, end: number): string | undefined {
  let text = "";
  while (at < end) {
    const first = bytes[at++]!;
    const more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 4;
    if (at + more > end) return undefined;
    let point = more ? first & (0x3f >> more) : first;
    for (let left = more; left; left--) {
      const byte = bytes[at++]!;
      if ((byte & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (byte & 0x3f);
    }
    const least = more === 2 ? 0x800 : more === 3 ? 0x10000 : 0;
    if (more === 4 || point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}

function last(bits: number): number {
  return 0x80 | (bits & 0x3f);
}
