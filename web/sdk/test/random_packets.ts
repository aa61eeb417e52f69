/** Random packets of everything that MessagePack and protocol.md allow. */

import type { Packet } from "../src/core/packets.js";

const LETTERS = ["a", "é", "ß", "中", "👍", "\u0000", "\"", "\\", "\u2028", "Ω", "🏳️‍🌈"];
const EDGES = [0, 1, 31, 32, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

export function randomPacket(random: () => number): Packet {
  return { type: "send", id: integer(random), ...(map(random, 2) as Packet) };
}

function value(random: () => number, depth: number): unknown {
  const kinds = depth ? 8 : 6;
  switch (Math.floor(random() * kinds)) {
    case 0: return random() < 0.5 ? integer(random) : -integer(random) || 0;
    case 1: return text(random, random() < 0.1 ? 300 : 12);
    case 2: return random() < 0.5;
    case 3: return null;
    case 4: return (random() - 0.5) * 10 ** Math.floor(random() * 12) + 0.5;
    case 5: return Uint8Array.from({ length: Math.floor(random() * 20) }, () => random() * 256);
    case 6: return Array.from({ length: Math.floor(random() * 18) }, () => value(random, depth - 1));
    default: return map(random, depth - 1);
  }
}

function map(random: () => number, depth: number): object {
  const entries = Array.from({ length: Math.floor(random() * 18) }, () => [`k${text(random, 4)}`, value(random, depth)]);
  return Object.fromEntries(entries);
}

function integer(random: () => number): number {
  return random() < 0.5 ? EDGES[Math.floor(random() * EDGES.length)]! : Math.floor(random() * 2 ** Math.floor(random() * 53));
}

function text(random: () => number, most: number): string {
  let made = "";
  for (let left = Math.floor(random() * most); left; left--) made += LETTERS[Math.floor(random() * LETTERS.length)];
  return made;
}
