/** Addresses of pictures: those that others name are loaded from the own origin and from those that the operator named. */
import { signal } from "@preact/signals";
import { mediaOffer } from "./contacts.js";

const origins = signal<readonly string[]>([location.origin]);

/** Load pictures from these origins, too. The policy of the page says the same; an embedded client has only this. */
export function allowPictures(from: readonly string[]): void {
  origins.value = [location.origin, ...from];
}

/** Return the address if it is a http(s) one that may be loaded here, or that of a file of the server, else an empty text. */
export function allowedPicture(address: string | undefined): string {
  if (!address) return "";
  if (address.startsWith("media:")) return mediaOffer.value ? `${mediaOffer.value.url}/v1/media/public/${address.slice(6)}` : "";
  const url = URL.canParse(address, location.href) ? new URL(address, location.href) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return "";
  return origins.value.includes(url.origin) ? url.href : "";
}
