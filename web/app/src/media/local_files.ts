/** Files that this page has sent, or is sending, by the key of the upload and by the id: shown at once, and never fetched. */
import type { OutgoingFile } from "@chatd/client/media";

/** Files that are kept; of an older one the copy of the server is shown. */
const KEPT = 60;
const LOCAL = "local:";

const addresses = new Map<string, string>();

/** The address of a file on its way, as an attachment has it. */
export const localAddress = (key: string): string => LOCAL + key;

/** The key in such an address; empty for any other. */
export const localKey = (url: string): string => (url.startsWith(LOCAL) ? url.slice(LOCAL.length) : "");

/** Keep the bytes of a file at hand. */
export function keepLocal({ key, file, blob }: Pick<OutgoingFile, "key" | "file" | "blob">): void {
  const address = addresses.get(key) ?? URL.createObjectURL(blob);
  for (const name of file ? [key, file] : [key]) addresses.set(name, address);
  if (addresses.size <= 2 * KEPT) return;
  const [[oldest, old]] = addresses as unknown as [[string, string]];
  addresses.delete(oldest);
  if (![...addresses.values()].includes(old)) URL.revokeObjectURL(old);
}

/** The address of a file that this page has; undefined if it has none. */
export const localFile = (name: string): string | undefined => addresses.get(name);
