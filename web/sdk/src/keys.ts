/** Keys for requests of the app itself (protocol.md, "Identifiers and counters"). */

import { base64url, uuid7 } from "./env.js";

/** Return a fresh key. */
export function newKey(): string {
  return base64url(uuid7(Date.now(), crypto.getRandomValues(new Uint8Array(10))));
}
