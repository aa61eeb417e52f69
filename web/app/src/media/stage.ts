/** Files that were chosen, before they are sent: what they are, how large, and a small picture of them. */
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { mediaOffer } from "../shell/contacts.js";
import { bytes, kindOfType } from "./kinds.js";
import type { Staged } from "./staged.js";

/** Most bytes of a picture that is sent as one; a larger one goes as a file. */
const PICTURE_BYTES_MAX = 30 * 2 ** 20;
/** Milliseconds after which a file that the browser cannot open is taken as it is. */
const PROBE_MS = 5000;
/** The types of suffixes that browsers leave without one. */
const TYPES: Readonly<Record<string, string>> = { heic: "image/heic", heif: "image/heif", avif: "image/avif", mov: "video/quicktime" };

let staged = 0;

/** Return what is to be sent of these files; of one that is too large, or empty, the user is told. */
export async function stage(files: readonly File[]): Promise<Staged[]> {
  const most = mediaOffer.peek()?.file_bytes ?? 0;
  const tooLarge = files.find(({ size }) => size > most);
  if (tooLarge) notify(t("media.too-large", { name: tooLarge.name, size: bytes(most) }));
  const empty = files.find(({ size }) => size === 0);
  if (empty) notify(t("media.empty", { name: empty.name }));
  return Promise.all(files.filter(({ size }) => size > 0 && size <= most).map(stagedOf));
}

async function stagedOf(file: File): Promise<Staged> {
  const mime = file.type || TYPES[file.name.split(".").pop()!.toLowerCase()] || "application/octet-stream";
  const known = kindOfType(mime);
  const kind = known === "picture" && file.size > PICTURE_BYTES_MAX ? "file" : known;
  const address = kind === "file" ? "" : URL.createObjectURL(file);
  const base: Staged = { id: ++staged, blob: file, name: file.name, mime, kind, address, alt: "" };
  if (kind === "file") return base;
  const found = await Promise.race([
    kind === "picture" ? sizeOfPicture(address) : sizeOfVideo(address),
    new Promise<undefined>((resolve) => setTimeout(resolve, PROBE_MS)),
  ]).catch(() => undefined);
  // A video that is none is refused by the server: it goes as a file. A picture may be one that only the server opens.
  if (!found && kind === "video") return { ...base, kind: "file" };
  return { ...base, ...found, isBlind: !found };
}

async function sizeOfPicture(address: string): Promise<Partial<Staged>> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return { width: image.naturalWidth, height: image.naturalHeight };
}

function sizeOfVideo(address: string): Promise<Partial<Staged>> {
  const video = document.createElement("video");
  video.preload = "metadata";
  video.muted = true;
  video.src = address;
  return new Promise((resolve, reject) => {
    video.onerror = () => reject(new Error("no video"));
    video.onloadedmetadata = () => {
      const { videoWidth: width, videoHeight: height, duration } = video;
      resolve({ ...(width && { width, height }), ...(Number.isFinite(duration) && { duration: Math.round(duration * 1000) }) });
      video.removeAttribute("src");
    };
  });
}
