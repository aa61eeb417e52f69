/** Places in a text: an address of a map, `geo:` or coordinates; pure. Nothing is opened: what an address does not say is not known. */
import { partsOf, type Card } from "../timeline/card_shapes.js";

export interface Place {
  /** Degrees, north and east positive. */
  readonly north: number;
  readonly east: number;
  /** What the address calls it; empty if it does not say. */
  readonly name: string;
}

/** Longest text that is read. */
const TEXT_MAX = 2048;
/** Digits of a degree behind the point: 0.00001 is a metre. */
const DIGITS = 5;
/** Most characters of the title of a card (protocol.md, "Card"). */
export const TITLE_MAX = 256;

const DEGREES = String.raw`[-+]?\d{1,3}(?:\.\d+)?`;
const PAIR = new RegExp(String.raw`^(${DEGREES})\s*,\s*(${DEGREES})$`, "u");
const GEO = new RegExp(String.raw`^geo:(${DEGREES}),(${DEGREES})(?:,[^;?]*)?(?:;[^?]*)?(?:\?(.*))?$`, "iu");
/** Of a `geo:` address that is told in Android's way: the place, and its name in brackets. */
const NAMED = new RegExp(String.raw`^(${DEGREES}),(${DEGREES})(?:\((.*)\))?$`, "u");
const OTHER_SYSTEM = /;crs=(?!wgs84\b)/iu;
const ANGLE = /^([-+]?\d{1,3}(?:\.\d+)?)°\s*(?:(\d{1,2}(?:\.\d+)?)\s*['′’]\s*)?(?:(\d{1,2}(?:\.\d+)?)\s*["″”]\s*)?([NSEW])?[\s,]*/iu;
// Maps of mainland China shift what they show, so their numbers are of another place.
const MAPS = /^(?:(?:www|maps)\.)?(?:openstreetmap\.org|google\.(?:co\.|com\.)?(?!cn$)[a-z]{2,3})$|^maps\.apple\.com$/u;
/** In the path or the fragment of a map, the pin before the middle of the view. */
const IN_MAP = [
  new RegExp(`!3d(${DEGREES})!4d(${DEGREES})`, "u"),
  new RegExp(`@(${DEGREES}),(${DEGREES})`, "u"),
  new RegExp(`#map=[\\d.]+/(${DEGREES})/(${DEGREES})`, "u"),
];
const PLACE_KEYS = ["coordinate", "ll", "q", "query", "destination", "center"];

/** Return the place that a text is. */
export function placeIn(text: string): Place | undefined {
  const written = text.trim();
  if (!written || written.length > TEXT_MAX) return undefined;
  if (/^geo:/iu.test(written)) return ofGeo(written);
  if (/^https?:/iu.test(written)) return ofMap(written);
  const pair = PAIR.exec(written);
  return pair ? placeAt(pair[1], pair[2]) : ofAngles(written);
}

/** Whether a text is the address of a place, and no mere numbers. */
export const isPlaceAddress = (text: string): boolean => /^\s*(?:geo|https?):\S+\s*$/iu.test(text) && placeIn(text) !== undefined;

/** Return the card of a place. */
export function cardOfPlace({ north, east }: Place, name: string): Card {
  const title = [...name.trim()].slice(0, TITLE_MAX).join("");
  return { type: "place", lat: partsOf(north), lon: partsOf(east), ...(title && { title }) };
}

/** Return a place, unless there is none with these degrees. */
export function placeAt(north: number | string | undefined, east: number | string | undefined, name = ""): Place | undefined {
  const [first, second] = [north, east].map((degrees) => Number(Number(degrees).toFixed(DIGITS)));
  if (!(Math.abs(first!) <= 90 && Math.abs(second!) <= 180)) return undefined;
  return { north: first!, east: second!, name: name.trim() };
}

function ofGeo(written: string): Place | undefined {
  const found = GEO.exec(written);
  if (!found || OTHER_SYSTEM.test(written)) return undefined;
  const query = new URLSearchParams(found[3]).get("q") ?? "";
  const named = NAMED.exec(query);
  return named ? placeAt(named[1], named[2], named[3]) : placeAt(found[1], found[2], query);
}

function ofMap(written: string): Place | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (!url || !MAPS.test(url.hostname)) return undefined;
  const { searchParams: keys, pathname } = url;
  const name = keys.get("name") ?? /\/place\/([^/@]+)/u.exec(pathname)?.[1]?.replaceAll("+", " ") ?? keys.get("q") ?? "";
  const title = PAIR.test(name) || ANGLE.test(decoded(name)) ? "" : decoded(name);
  if (keys.has("mlat")) return placeAt(keys.get("mlat")!, keys.get("mlon") ?? "x", title);
  const told = PLACE_KEYS.map((key) => PAIR.exec(keys.get(key) ?? "")).find(Boolean);
  const found = IN_MAP[0]!.exec(url.href) ?? told ?? IN_MAP[1]!.exec(url.href) ?? IN_MAP[2]!.exec(url.href);
  return found ? placeAt(found[1], found[2], title) : undefined;
}

/** The place of two angles, as a compass writes them: 52°9′0″ N 13°54′0″ E. */
function ofAngles(written: string): Place | undefined {
  const first = ANGLE.exec(written);
  const second = first && ANGLE.exec(written.slice(first[0].length));
  if (!first || !second || first[0].length + second[0].length !== written.length) return undefined;
  if (/[EW]/iu.test(first[4] ?? "") || /[NS]/iu.test(second[4] ?? "")) return undefined;
  return placeAt(degreesOf(first), degreesOf(second));
}

function degreesOf([, degrees, minutes = "0", seconds = "0", side = ""]: RegExpExecArray): number {
  const size = Math.abs(Number(degrees)) + Number(minutes) / 60 + Number(seconds) / 3600;
  return /[SW]/iu.test(side) || degrees!.startsWith("-") ? -size : size;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
