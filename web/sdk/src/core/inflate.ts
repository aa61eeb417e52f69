/** Raw DEFLATE (RFC 1951), decompressing only; pure.
 *
 * The decompression of the platform is asynchronous, but packets are to be handled strictly in the order of their
 * frames (protocol.md, "Batches"), and a page is at most half a MiB.
 */

const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A Huffman code: how many codes there are of each length, and the symbols in the order of their codes. */
interface Code {
  readonly counts: number[];
  readonly symbols: number[];
}

/** Return the content of a complete stream with nothing behind it; throws RangeError for anything else, and for a
 * content of more than `max` bytes. */
export function inflate(source: Uint8Array, max: number): Uint8Array {
  let at = 0;
  let held = 0;
  let free = 0;
  let out = new Uint8Array(Math.min(max, source.length * 4 + 64));
  let length = 0;

  const broken = (): never => {
    throw new RangeError("not DEFLATE, incomplete, too big or followed by more");
  };
  const bits = (count: number): number => {
    for (; free < count; free += 8) {
      if (at >= source.length) broken();
      held |= source[at++]! << free;
    }
    const value = held & ((1 << count) - 1);
    held >>>= count;
    free -= count;
    return value;
  };
  const put = (byte: number): void => {
    if (length >= max) broken();
    if (length === out.length) {
      const wider = new Uint8Array(Math.min(max, length * 2));
      wider.set(out);
      out = wider;
    }
    out[length++] = byte;
  };
  const symbol = ({ counts, symbols }: Code): number => {
    for (let size = 1, code = 0, first = 0, index = 0; size < 16; size++) {
      code |= bits(1);
      const count = counts[size]!;
      if (code - count < first) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return broken();
  };
  const block = (literals: Code, distances: Code): void => {
    for (let value = symbol(literals); value !== 256; value = symbol(literals)) {
      if (value < 256) {
        put(value);
        continue;
      }
      const index = value - 257;
      if (index > 28) broken();
      const count = LENGTHS[index]! + bits(index < 8 || index === 28 ? 0 : (index - 4) >> 2);
      const step = symbol(distances);
      if (step > 29) broken();
      const extra = step < 4 ? 0 : (step - 2) >> 1;
      const distance = (step < 4 ? step : (2 + (step & 1)) << extra) + 1 + bits(extra);
      if (distance > length) broken();
      for (let left = count; left; left--) put(out[length - distance]!);
    }
  };
  const dynamic = (): [Code, Code] => {
    const [literals, distances, sizes] = [bits(5) + 257, bits(5) + 1, bits(4) + 4];
    const lengths: number[] = new Array(19).fill(0);
    for (let index = 0; index < sizes; index++) lengths[ORDER[index]!] = bits(3);
    const code = codeOf(lengths);
    const all: number[] = [];
    while (all.length < literals + distances) {
      const value = symbol(code);
      if (value < 16) all.push(value);
      else {
        const repeated = value === 16 ? (all.at(-1) ?? broken()) : 0;
        let left = value === 16 ? 3 + bits(2) : value === 17 ? 3 + bits(3) : 11 + bits(7);
        while (left--) all.push(repeated);
      }
    }
    if (all.length > literals + distances) broken();
    return [codeOf(all.slice(0, literals)), codeOf(all.slice(literals))];
  };

  for (let last = 0; !last; ) {
    last = bits(1);
    const kind = bits(2);
    if (kind === 0) {
      held = free = 0;
      const size = bits(16);
      if (bits(16) !== (~size & 0xffff) || at + size > source.length) broken();
      for (let left = size; left; left--) put(source[at++]!);
    } else if (kind === 1) block(FIXED, FIXED_DISTANCES);
    else if (kind === 2) block(...dynamic());
    else broken();
  }
  if (at !== source.length) broken();
  return out.subarray(0, length);
}

function codeOf(lengths: number[]): Code {
  const counts: number[] = new Array(16).fill(0);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const offsets = [0];
  for (let size = 0; size < 15; size++) offsets.push(offsets[size]! + counts[size]!);
  const symbols: number[] = [];
  lengths.forEach((length, symbol) => {
    if (length) symbols[offsets[length]!++] = symbol;
  });
  return { counts, symbols };
}

const FIXED = codeOf([
  ...new Array(144).fill(8), ...new Array(112).fill(9), ...new Array(24).fill(7), ...new Array(8).fill(8),
]);
const FIXED_DISTANCES = codeOf(new Array(30).fill(5));
