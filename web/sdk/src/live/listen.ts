/** The bytes of a note that is spoken, as they come (protocol.md, "Live notes"). */

import type { GetToken } from "../tokens.js";
import type { LiveNote } from "../live.js";

/** Milliseconds before an answer that broke off is asked for again: doubled from the first to the last. */
const RETRY_MS = { first: 250, last: 5000 };

/** The note cannot be heard: it never was there for this user, or the server refuses it. */
export class LiveOver extends Error {
  override readonly name = "LiveOver";

  constructor(readonly status: number) {
    super(`${status}`);
  }
}

export interface ListenOptions {
  /** As the reply to hello says: `client.media.url`. */
  readonly url: string;
  readonly token: GetToken;
  readonly signal: AbortSignal;
  /** Bytes that are known already. */
  readonly from?: number;
}

/** Yield the bytes of a note until it is over; an answer that breaks off is asked for again, from the byte where it did.
 *
 * Throws `LiveOver` where nothing was heard, and the reason of the signal.
 */
export async function* listen(
  { room, file }: Pick<LiveNote, "room" | "file">, { url, token, signal, from = 0 }: ListenOptions,
): AsyncGenerator<Uint8Array> {
  let [at, tries] = [from, 0];
  for (;;) {
    try {
      const headers = { Authorization: `Bearer ${await token()}` };
      const answer = await fetch(`${url}/v1/media/live/${room}/${file}?from=${at}`, { headers, signal, cache: "no-store" });
      if (answer.status < 500 && ![200, 401, 429].includes(answer.status)) {
        if (at > from || answer.status === 410) return;
        throw new LiveOver(answer.status);
      }
      const reader = answer.status === 200 ? answer.body!.getReader() : undefined;
      for (let part = await reader?.read(); part?.value; part = await reader!.read()) {
        [at, tries] = [at + part.value.length, 0];
        yield part.value;
      }
    } catch (error) {
      if (signal.aborted || error instanceof LiveOver) throw error;
    }
    // It may be over, which the next answer says, or the server was replaced.
    await pause(Math.min(RETRY_MS.last, RETRY_MS.first * 2 ** tries++), signal);
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
