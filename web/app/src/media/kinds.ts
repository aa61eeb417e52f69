/** The files of a message by kind, the boxes that they are drawn in, and their words; pure. */
import type { Attachment } from "@chatd/client";
import type { FileKind } from "@chatd/client/media";
import { t } from "../locale/locale.js";

/** The largest box of a picture in CSS pixels, and the one of a picture that does not say its size. */
const MOST = { width: 320, height: 380 };
const UNKNOWN = { width: 280, height: 210 };
/** The smallest side, so that a strip of a picture can still be pressed. */
const LEAST = 90;
/** The shape of a picture in an album: no strip takes a row for itself. */
const SHAPES = { narrow: 0.6, wide: 1.9 };

export interface Box {
  readonly width: number;
  readonly height: number;
}

/** Whether an attachment is a file of the server, or on its way to it. */
export const isOfServer = ({ url }: Attachment): boolean => /^(media|local):/.test(url);

const KINDS: readonly FileKind[] = ["picture", "video", "voice", "sticker", "file"];

/** The kind of a file with this type, as far as it says one. */
export function kindOfType(mime: string): "picture" | "video" | "file" {
  if (/^image\/(png|jpeg|gif|webp|avif|hei[cf])$/.test(mime)) return "picture";
  return /^video\/(mp4|quicktime|webm)$/.test(mime) ? "video" : "file";
}

/** The kind of a file of the server; of one that the server has not seen yet by its type. */
export function kindOf({ kind, mime, waveform }: Attachment): FileKind {
  if (kind) return KINDS.find((known) => known === kind) ?? "file";
  return waveform ? "voice" : kindOfType(mime);
}

/** Whether a file of the server is drawn as a picture. */
export const isVisual = (attachment: Attachment): boolean =>
  isOfServer(attachment) && ["picture", "video", "sticker"].includes(kindOf(attachment));

/** The box of a picture that stands alone. */
export function boxOf({ width = 0, height = 0 }: Partial<Box>): Box {
  if (!width || !height) return UNKNOWN;
  const scale = Math.min(1, MOST.width / width, MOST.height / height);
  const within = (side: number, most: number): number => Math.max(LEAST, Math.min(most, Math.round(side * scale)));
  return { width: within(width, MOST.width), height: within(height, MOST.height) };
}

/** The rows of an album of 2 to 10 pictures: how many stand in each. */
const ROWS: readonly (readonly number[])[] = [
  [], [1], [2], [1, 2], [2, 2], [2, 3], [3, 3], [2, 2, 3], [2, 3, 3], [3, 3, 3], [3, 3, 4],
];

/** Arrange an album: rows of equal width, in each the shapes (width by height) of its pictures side by side. */
export function albumRows<Item extends Partial<Box>>(items: readonly Item[]): { item: Item; shape: number }[][] {
  const shaped = items.map((item) => {
    const shape = item.width && item.height ? item.width / item.height : 1;
    return { item, shape: Math.max(SHAPES.narrow, Math.min(SHAPES.wide, shape)) };
  });
  const wide = shaped.length === 2 && shaped.every(({ shape }) => shape > 1.4);
  const counts = wide ? [1, 1] : (ROWS[shaped.length] ?? [shaped.length]);
  let at = 0;
  return counts.map((count) => shaped.slice(at, (at += count)));
}

/** Milliseconds as minutes and seconds. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (value: number): string => `${value}`.padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A number of bytes in the largest unit that fits. */
export function bytes(size: number): string {
  if (size < 1024) return t("chat.bytes", { size });
  if (size < 1024 ** 2) return t("chat.kilobytes", { size: Math.round(size / 1024) });
  if (size < 1024 ** 3) return t("chat.megabytes", { size: Number((size / 1024 ** 2).toFixed(1)) });
  return t("media.gigabytes", { size: Number((size / 1024 ** 3).toFixed(1)) });
}
