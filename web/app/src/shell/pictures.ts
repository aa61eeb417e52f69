/** Addresses of pictures: which of those that others name may be loaded. */

let onlyFrom: readonly string[] | null = null;

/** Load pictures from these origins only; where a Content-Security-Policy of ours holds, it decides, and nobody calls this. */
export function restrictPictures(origins: readonly string[]): void {
  onlyFrom = origins;
}

/** Return the address if it is a http(s) one that may be loaded here, else an empty text. */
export function allowedPicture(address: string | undefined): string {
  if (!address) return "";
  const url = URL.canParse(address, location.href) ? new URL(address, location.href) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return "";
  return onlyFrom === null || onlyFrom.includes(url.origin) ? url.href : "";
}
