/** ThumbHash: a picture in some 25 bytes, to be drawn while the real one is on its way (https://evanw.github.io/thumbhash/);
 * pure. */

/** Pixels of the longer side of the drawn picture. */
const SIDE = 32;

interface Channel {
  readonly dc: number;
  readonly ac: readonly number[];
  readonly nx: number;
  readonly ny: number;
}

/** Return the picture of a `preview`, base64 of a ThumbHash, as a PNG in a `data:` URL; empty if it is none. */
export function thumbHashUrl(preview: string): string {
  try {
    const hash = Uint8Array.from(atob(preview), (sign) => sign.charCodeAt(0));
    const { width, height, rgba } = thumbHashPixels(hash);
    return pngUrl(width, height, rgba);
  } catch {
    return "";
  }
}

/** Return the pixels of a ThumbHash. Throws RangeError if it is too short. */
export function thumbHashPixels(hash: Uint8Array): { width: number; height: number; rgba: Uint8Array } {
  const byte = (at: number): number => {
    const value = hash[at];
    if (value === undefined) throw new RangeError("the hash is too short");
    return value;
  };
  const header = byte(0) | (byte(1) << 8) | (byte(2) << 16);
  const more = byte(3) | (byte(4) << 8);
  const hasAlpha = header >> 23 === 1;
  const isLandscape = more >> 15 === 1;
  const most = hasAlpha ? 5 : 7;
  const [lx, ly] = isLandscape ? [most, more & 7] : [more & 7, most];
  let nibble = (hasAlpha ? 6 : 5) * 2;
  const channel = (dc: number, nx: number, ny: number, scale: number): Channel => {
    const ac: number[] = [];
    for (let cy = 0; cy < ny; cy++) {
      for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++, nibble++) {
        const digit = (byte(nibble >> 1) >> ((nibble & 1) << 2)) & 15;
        ac.push((digit / 7.5 - 1) * scale);
      }
    }
    return { dc, ac, nx, ny };
  };
  const l = channel((header & 63) / 63, Math.max(3, lx), Math.max(3, ly), ((header >> 18) & 31) / 31);
  const p = channel(((header >> 6) & 63) / 31.5 - 1, 3, 3, (((more >> 3) & 63) / 63) * 1.25);
  const q = channel(((header >> 12) & 63) / 31.5 - 1, 3, 3, (((more >> 9) & 63) / 63) * 1.25);
  const a = hasAlpha ? channel((byte(5) & 15) / 15, 5, 5, (byte(5) >> 4) / 15) : undefined;
  const ratio = Math.max(1, lx) / Math.max(1, ly);
  const width = Math.round(ratio > 1 ? SIDE : SIDE * ratio);
  const height = Math.round(ratio > 1 ? SIDE / ratio : SIDE);
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const [fx, fy] = [(Math.PI * (x + 0.5)) / width, (Math.PI * (y + 0.5)) / height];
      const [L, P, Q] = [valueAt(l, fx, fy), valueAt(p, fx, fy), valueAt(q, fx, fy)];
      const blue = L - (2 / 3) * P;
      const red = (3 * L - blue + Q) / 2;
      const all = [red, red - Q, blue, a ? valueAt(a, fx, fy) : 1];
      for (const [index, value] of all.entries()) rgba[at + index] = Math.round(255 * Math.max(0, Math.min(1, value)));
    }
  }
  return { width, height, rgba };
}

function valueAt({ dc, ac, nx, ny }: Channel, fx: number, fy: number): number {
  let value = dc;
  for (let cy = 0, at = 0; cy < ny; cy++) {
    const y = Math.cos(fy * cy) * 2;
    for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++, at++) value += ac[at]! * Math.cos(fx * cx) * y;
  }
  return value;
}

/** Return pixels as a PNG without compression: no canvas is needed. */
function pngUrl(width: number, height: number, rgba: Uint8Array): string {
  const row = width * 4 + 1;
  const raw = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) raw.set(rgba.subarray(y * width * 4, (y + 1) * width * 4), y * row + 1);
  const size = raw.length;
  // A zlib stream of one stored block: header, the length and its complement, the bytes, Adler-32.
  const zlib = [0x78, 1, 1, size & 255, size >> 8, ~size & 255, (~size >> 8) & 255, ...raw, ...four(adler32(raw))];
  const header = [...four(width), ...four(height), 8, 6, 0, 0, 0];
  const png = [137, 80, 78, 71, 13, 10, 26, 10, ...chunk("IHDR", header), ...chunk("IDAT", zlib), ...chunk("IEND", [])];
  return `data:image/png;base64,${btoa(png.map((value) => String.fromCharCode(value)).join(""))}`;
}

const four = (value: number): number[] => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];

function chunk(name: string, content: readonly number[]): number[] {
  const named = [...[...name].map((sign) => sign.charCodeAt(0)), ...content];
  return [...four(content.length), ...named, ...four(crc32(named))];
}

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

function crc32(bytes: readonly number[]): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
