/** `@chatd/client/search`: messages found by their words (protocol.md, "Search"), where `client.features` has `search`.
 *
 * ```ts
 * const { hits, more, behind } = await search(client, { text: "ferry" }); // a row a room, with its newest hit
 * const page = await search(client, { room: hits[0].room, text: "ferry", has: ["image"] });
 * for (const [from, to] of marksOf(text, "ferry")) mark(text.slice(from, to));
 * ```
 */

import type { Client } from "./client.js";
import type { SearchReply, SearchRequest } from "./core/packets.js";

export type Search = Omit<SearchRequest, "type">;
export type Found = SearchReply;
export type Hit = Found["hits"][number];

/** Most characters of what is looked for (protocol.md, "search"). */
export const TEXT_MAX = 64;

/** Scripts without spaces, and emoji, whose words are found wherever they stand. */
const DENSE =
  "\\u0e00-\\u0e4e\\u0e50-\\u0e59\\u0e80-\\u0f00\\u0f18-\\u0f39\\u0f40-\\u0fbc\\u1000-\\u1049\\u1050-\\u109f\\u1100-\\u11ff" +
  "\\u1780-\\u17d3\\u2600-\\u27bf\\u3005-\\u3007\\u3041-\\u309f\\u30a1-\\u30fa\\u30fc-\\u318f\\u31a0-\\u31bf\\u31f0-\\u31ff" +
  "\\u3400-\\u4dbf\\u4e00-\\ua48c\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff" +
  "\\u{1b000}-\\u{1b2ff}\\u{1f000}-\\u{1faff}\\u{20000}-\\u{3ffff}";
/** Vowels of Indian scripts are parts of their words; other marks are written or left out as one likes. */
const MARKS = "\\u0900-\\u0963\\u0966-\\u096f\\u0971-\\u0df3";
const RUNS = new RegExp(`([${DENSE}]+)|(?:(?![${DENSE}])[\\p{L}\\p{N}]|[${MARKS}])+`, "gu");
const OPTIONAL = new RegExp(`(?![${DENSE}${MARKS}])[\\p{Mn}\\p{Cf}\\u{1f3fb}-\\u{1f3ff}]|[\\u{1f3fb}-\\u{1f3ff}]`, "gu");
/** Letters from which on the beginning of a word is enough. */
const FEW = 3;

/** Search in the room that is named, or in all: one of `text`, `from` and `has` is needed. */
export function search(client: Client, wish: Search): Promise<Found> {
  return client.call({ type: "search", ...wish });
}

/** Return the places of the words of a search in a text, in order, as indices of the string: what to mark in a hit. */
export function marksOf(text: string, query: string): [from: number, to: number][] {
  const words = [...folded(query).plain.matchAll(RUNS)];
  const { plain, places } = folded(text);
  const marks: [number, number][] = [];
  for (const run of plain.matchAll(RUNS)) {
    for (const [word, dense] of words) {
      if (Boolean(dense) !== Boolean(run[1])) continue;
      for (const at of dense ? allOf(run[0], word) : begins(run[0], word) ? [0] : []) {
        const from = run.index + at;
        marks.push([places[from]![0], places[from + word.length - 1]![1]]);
      }
    }
  }
  return joined(marks);
}

/** Return a text without case, width and accents, and the place of each of its units in the original. */
function folded(text: string): { plain: string; places: [number, number][] } {
  let plain = "";
  const places: [number, number][] = [];
  let at = 0;
  for (const sign of text) {
    // Both ways round: "ß" is "ss".
    const cased = sign.normalize("NFKD").toUpperCase().toLowerCase().normalize("NFKD");
    const kept = cased.replace(OPTIONAL, "").normalize("NFC");
    for (let unit = 0; unit < kept.length; unit++) places.push([at, at + sign.length]);
    // An accent belongs to its letter.
    if (!kept && places.length) places.at(-1)![1] = at + sign.length;
    plain += kept;
    at += sign.length;
  }
  return { plain, places };
}

const begins = (run: string, word: string): boolean => (word.length < FEW ? run === word : run.startsWith(word));

function allOf(run: string, word: string): number[] {
  const found = [];
  for (let at = run.indexOf(word); at >= 0; at = run.indexOf(word, at + 1)) found.push(at);
  return found;
}

/** Join marks that touch. */
function joined(marks: [number, number][]): [number, number][] {
  const all: [number, number][] = [];
  for (const [from, to] of marks.sort((one, other) => one[0] - other[0])) {
    const last = all.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}
