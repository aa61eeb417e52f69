/** The tokens of the app: the current one, and the one that must never be sent again (protocol.md, "auth,
 * token_expiring"). */

import { TokenRejected } from "./core/errors.js";

/** The callback of the app that returns a token. */
export type GetToken = () => Promise<string> | string;

export const TOKEN_EXPIRED = 4100;
export const TOKEN_INVALID = 4101;

/** The token callback of the app, called for one caller at a time. */
export class Tokens {
  private _current = "";
  private _expiresAt = Infinity;
  private _lastRefused = "";
  private _invalid = 0;
  private _refusals = 0;
  private _fetching: Promise<string> | undefined;

  constructor(private readonly _getToken: GetToken) {}

  /** The current token; empty if there is none that may be sent. */
  usable(now: number): string {
    return now < this._expiresAt ? this._current : "";
  }

  /** Return a token from the app that the server has not refused.
   *
   * Callers at the same time share one call. Throws `TokenRejected` when the app returns the very token that was called
   * invalid, another error when it returns the one that expired, and whatever the callback throws.
   */
  async fetch(): Promise<string> {
    this._fetching ??= Promise.resolve()
      .then(this._getToken)
      .finally(() => (this._fetching = undefined));
    const token = await this._fetching;
    if (token === this._lastRefused) {
      if (this._invalid) throw new TokenRejected();
      throw new Error("the app gave a token that the server called expired");
    }
    this._current = token;
    this._expiresAt = Infinity;
    return token;
  }

  /** Keep the current token, which the server accepted; it expires in `ttlS` seconds of its clock. */
  accepted(ttlS: number, now: number): void {
    this._expiresAt = now + ttlS;
    this._invalid = this._refusals = 0;
  }

  /** Note that the server refused the current token with this close code; return whether it refused the one before,
   * too. Throws `TokenRejected` at the second 4101 in a row. */
  refused(code: number): boolean {
    this._lastRefused = this._current || this._lastRefused;
    this._current = "";
    this._refusals += 1;
    if (code === TOKEN_INVALID) this._invalid += 1;
    if (this._invalid > 1) throw new TokenRejected();
    return this._refusals > 1;
  }
}
