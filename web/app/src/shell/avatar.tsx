/** Avatars: the picture of a user or a group, or initials on a colour that follows from the id. */
import { useSignal } from "@preact/signals";
import { allowedPicture } from "./pictures.js";

const COLOURS = 6;
const segmenter = new Intl.Segmenter();

/** The number, 1 to 6, of the colour of a user or a room; the same in every session. */
export function colourOf(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.codePointAt(0)!) >>> 0;
  return (sum % COLOURS) + 1;
}

/** The first letters of the first two words of a name, or the first sign of a Chinese one. */
export function initials(name: string): string {
  const words = name.split(/\s+/u).map((word) => [...segmenter.segment(word)].find((sign) => /[\p{L}\p{N}]/u.test(sign.segment)));
  const signs = words.filter((sign) => sign !== undefined).map((sign) => sign.segment);
  const first = signs[0] ?? "#";
  return (/\p{Script=Han}/u.test(first) ? first : first + (signs[1] ?? "")).toLocaleUpperCase();
}

export interface AvatarProps {
  /** The user or room whose colour it has. */
  id: string;
  name: string;
  picture?: string | undefined;
  size?: "row" | "header" | "group" | "card";
  online?: boolean;
}

/** A round picture; it is decoration, since the name always stands beside it. */
export function Avatar({ id, name, picture, size = "row", online = false }: AvatarProps) {
  const failed = useSignal("");
  const address = allowedPicture(picture);
  const show = address && failed.value !== address;
  return (
    <span class={`avatar in-${size} person-${colourOf(id)}${online ? " is-online" : ""}`} aria-hidden="true">
      <span>{initials(name)}</span>
      {show && <img src={address} alt="" decoding="async" draggable={false} onError={() => (failed.value = address)} />}
    </span>
  );
}
