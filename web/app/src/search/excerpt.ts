/** What a hit shows of its message: the part that was found, with its words marked; pure. */
import { marksOf } from "@chatd/client/search";
import type { Body } from "@chatd/client";

/** Characters shown before the first mark, and in all. */
const BEFORE = 32;
const LENGTH = 160;

export interface Piece {
  readonly text: string;
  readonly marked: boolean;
}

/** Return an excerpt of a body in pieces; empty if it has no words. */
export function excerptOf(body: Body | undefined, query: string): Piece[] {
  const texts = textsOf(body).map((text) => text.replace(/\s+/gu, " ").trim()).filter(Boolean);
  const shown = texts.find((text) => marksOf(text, query).length > 0) ?? texts[0] ?? "";
  const first = marksOf(shown, query)[0]?.[0] ?? 0;
  const from = first > BEFORE ? beginOfWord(shown, first - BEFORE) : 0;
  // Half of a character is none.
  const part = shown.slice(from, from + LENGTH).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
  const cut = (from ? "…" : "") + part + (from + LENGTH < shown.length ? "…" : "");
  const pieces: Piece[] = [];
  let at = 0;
  for (const [start, end] of marksOf(cut, query)) {
    if (start > at) pieces.push({ text: cut.slice(at, start), marked: false });
    pieces.push({ text: cut.slice(start, end), marked: true });
    at = end;
  }
  return at < cut.length ? [...pieces, { text: cut.slice(at), marked: false }] : pieces;
}

/** What the server searches of a body. */
function textsOf({ text = "", attachments = [], card }: Body = {}): string[] {
  const files = attachments.flatMap(({ name = "", alt = "" }) => [name, alt]);
  const { title = "", text: about = "" } = (card ?? {}) as { title?: string; text?: string };
  return [text, title, about, ...files];
}

/** Return the beginning of the next word, where one is near; Chinese has none. */
function beginOfWord(text: string, at: number): number {
  const space = text.indexOf(" ", at);
  return space >= 0 && space < at + BEFORE ? space + 1 : at;
}
