/** The addresses of files at a server (protocol.md, "Media"); pure. */

/** What the server said of files. `url`: where they are sent and fetched; most bytes of a file, most milliseconds of a voice
 * message. */
export interface MediaOffer {
  readonly url: string;
  readonly file_bytes: number;
  readonly voice_ms: number;
}

const SCHEME = "media:";

/** Return the address of a file of this server, as messages and cards have it. */
export const addressOf = (file: string): string => SCHEME + file;

/** Return the id of a file of this server; empty for any other address. */
export function fileOf(url: string): string {
  return url.startsWith(SCHEME) ? url.slice(SCHEME.length) : "";
}

/** Return the address of an avatar, a cover or a sticker, which anybody may fetch while it is in use. */
export function publicUrl(offer: MediaOffer, file: string, size?: "m" | "s"): string {
  return `${offer.url}/v1/media/public/${file}${size ? `/${size}` : ""}`;
}
