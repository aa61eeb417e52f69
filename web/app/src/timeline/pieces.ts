/**
 * The text of a message as pieces to draw: plain text, links and mentions; pure.
 *
 * Text is text: nothing in it is markup. A link is only an address of http or https, drawn as it was written; when
 * the host that it opens is not the one that is read there, the piece names it.
 */

/** Lines of a message that are shown before it is folded. */
export const FOLD_LINES = 40;

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  /** `host` is set when a reader would take the address for another one. */
  | { readonly kind: "link"; readonly text: string; readonly url: string; readonly host: string }
  | { readonly kind: "mention"; readonly text: string; readonly user: string };

/** The names by which a text mentions users: `@name` to the user. */
export type Names = ReadonlyMap<string, string>;

// An address ends at a space, a mark of direction, a quote or a Chinese sign; what closes a sentence is not part of it.
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u200e\u200f\u202a-\u202e\u2066-\u2069\u3000-\u303f\uff00-\uffef]+/giu;
const SENTENCE_END = /[.,;:!?…]+$/u;
const CLOSERS: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

/** Return the pieces of a text in their order. */
export function piecesOf(text: string, names: Names): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const written = withoutEnd(match[0]);
    const link = linkOf(written);
    if (!link) continue;
    pieces.push(...mentionsOf(text.slice(at, match.index), names), link);
    at = match.index + written.length;
  }
  return [...pieces, ...mentionsOf(text.slice(at), names)];
}

/** Return the text up to `FOLD_LINES` lines of `columns`, or the text itself if it has no more. */
export function folded(text: string, columns: number): string {
  let lines = 1;
  let column = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // Ideographs, kana and hangul are about twice as wide.
    const width = code === 10 ? 0 : code >= 0x2e80 && code < 0xd800 ? 2 : 1;
    column += width;
    if (code === 10 || column > columns) [lines, column] = [lines + 1, width];
    if (lines > FOLD_LINES) return text.slice(0, wholeBefore(text, at));
  }
  return text;
}

/** Return whether a text is up to three emoji and nothing else, which are drawn large. */
export function isEmojiOnly(text: string): boolean {
  if (text.length > 60 || !/^\s*[\p{Extended_Pictographic}\p{RI}]/u.test(text)) return false;
  const marks = [...segmenter.segment(text)].filter(({ segment }) => segment.trim());
  return marks.length >= 1 && marks.length <= 3 && marks.every(({ segment }) => EMOJI.test(segment));
}

const segmenter = new Intl.Segmenter();
const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Emoji}\uFE0F|\p{RI}\p{RI})[\p{Emoji}\u200d\uFE0F\p{EMod}]*$/u;

function wholeBefore(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code < 0xe000 ? at - 1 : at;
}

function withoutEnd(address: string): string {
  for (;;) {
    const shorter = address.replace(SENTENCE_END, "");
    const closer = shorter.at(-1) ?? "";
    const opener = CLOSERS[closer];
    if (opener && shorter.split(opener).length < shorter.split(closer).length) address = shorter.slice(0, -1);
    else if (shorter === address) return address;
    else address = shorter;
  }
}

function linkOf(written: string): Piece | undefined {
  if (!URL.canParse(written)) return undefined;
  const url = new URL(written);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  const port = url.protocol === "http:" ? ":80" : ":443";
  const read = (written.split(/[/?#\\]/u, 3)[2] ?? "").toLowerCase();
  const same = read === url.host || read === url.host + port;
  return { kind: "link", text: written, url: url.href, host: same ? "" : url.host };
}

function mentionsOf(text: string, names: Names): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  let at = text.indexOf("@");
  while (at >= 0 && names.size > 0) {
    const name = longest(text, at, names);
    if (name) {
      if (at > start) pieces.push({ kind: "text", text: text.slice(start, at) });
      pieces.push({ kind: "mention", text: text.slice(at, at + name.length), user: names.get(name)! });
      start = at + name.length;
    }
    at = text.indexOf("@", Math.max(at + 1, start));
  }
  if (start < text.length) pieces.push({ kind: "text", text: text.slice(start) });
  return pieces;
}

/** Return the longest of the names that stands at this place, not within a longer word. */
function longest(text: string, at: number, names: Names): string {
  let found = "";
  if (isWord(text.charAt(at - 1))) return found;
  for (const name of names.keys()) {
    if (name.length <= found.length || !text.startsWith(name, at)) continue;
    if (!isWord(text.charAt(at + name.length))) found = name;
  }
  return found;
}

/** Whether a sign joins its neighbour into one word; Chinese ones stand for themselves. */
function isWord(sign: string): boolean {
  return /[\p{L}\p{N}_]/u.test(sign) && !/\p{Script=Han}/u.test(sign);
}
