/** The tokens of the app: the current one, and the one that must never be sent again (protocol.md, "auth,
 * token_expiring"). */

import { TokenRejected } from "./core/errors.js";

/** The callback of the app that returns a token. */
export type GetToken = () => Promise<string> | string;

export const TOKEN_EXPIRED = 4100;
export const TOKEN_INVALID = 4101;

/** The token callback of the app, called for one caller at a time. */
export class Tokens {
  private current = "";
  private expiresAt = Infinity;
  private lastRefused = "";
  private invalid = 0;
  private refusals = 0;
  private fetching: Promise<string> | undefined;

  constructor(private readonly getToken: GetToken) {}

  /** The current token; empty if there is none that may be sent. */
  usable(now: number): string {
    return now < this.expiresAt ? this.current : "";
  }

  /** Return a token from the app that the server has not refused.
   *
   * Callers at the same time share one call. Throws `TokenRejected` when the app returns the very token that was called
   * invalid, another error when it returns the one that expired, and whatever the callback throws.
   */
  async fetch(): Promise<string> {
    this.fetching ??= Promise.resolve()
      .then(this.getToken)
      .finally(() => (this.fetching = undefined));
    const token = await this.fetching;
    if (token === this.lastRefused) {
      if (this.invalid) throw new TokenRejected();
      throw new Error("the app gave a token that the server called expired");
    }
    this.current = token;
    this.expiresAt = Infinity;
    return token;
  }

  /** Keep the current token, which the server accepted; it expires in `ttlS` seconds of its clock. */
  accepted(ttlS: number, now: number): void {
    this.expiresAt = now + ttlS;
    this.invalid = this.refusals = 0;
  }

  /** Note that the server refused the current token with this close code; return whether it refused the one before,
   * too. Throws `TokenRejected` at the second 4101 in a row. */
  refused(code: number): boolean {
    this.lastRefused = this.current || this.lastRefused;
    this.current = "";
    this.refusals += 1;
    if (code === TOKEN_INVALID) this.invalid += 1;
    if (this.invalid > 1) throw new TokenRejected();
    return this.refusals > 1;
  }
}
