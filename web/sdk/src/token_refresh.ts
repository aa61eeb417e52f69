/** The renewal of the token while a connection lives (protocol.md, "auth, token_expiring"). */

import type { Connection } from "./connection.js";
import { ChatError, ConnectionLost, TokenRejected } from "./core/errors.js";
import type { Timing } from "./core/timing.js";
import { wait, type Env } from "./env.js";
import { TOKEN_EXPIRED, TOKEN_INVALID, type Tokens } from "./tokens.js";

/** The renewal of one token at a time, bound to the connection that asked for it. */
export class TokenRefresh {
  private _renewing: Connection | undefined;

  constructor(
    private readonly _tokens: Tokens,
    private readonly _env: Env,
    private readonly _timing: Timing,
    private readonly _log: (text: string) => void,
  ) {}

  /** Renew the token, which is about to expire. */
  async start(connection: Connection): Promise<void> {
    if (this._renewing === connection) return;
    this._renewing = connection;
    for (let pause; connection.alive && (pause = await this._tried(connection)) !== undefined; ) {
      await wait(this._env, pause);
    }
    if (this._renewing === connection) this._renewing = undefined;
  }

  /** Try once; return the seconds until the next try, undefined when there is nothing more to try on this connection. */
  private async _tried(connection: Connection): Promise<number | undefined> {
    try {
      const token = await this._tokens.fetch();
      if (!connection.alive) return undefined;
      const { token_ttl = Infinity } = await connection.request({ type: "auth", token });
      this._tokens.accepted(token_ttl, this._env.monotonic());
      return undefined;
    } catch (error) {
      if (error instanceof ConnectionLost || error instanceof TokenRejected) return undefined;
      this._log(`no renewed token: ${error}`);
      return error instanceof ChatError ? this._refused(error) : this._timing.tokenRetryS;
    }
  }

  /** Return the seconds until the next try; a token that is fetched sooner than `retry_after` is no better. */
  private _refused({ code, retry, retry_after = 0 }: ChatError): number | undefined {
    if (retry === "never") return undefined;
    try {
      if (retry === "after_auth") this._tokens.refused(code === "token_invalid" ? TOKEN_INVALID : TOKEN_EXPIRED);
    } catch {
      return undefined;
    }
    return Math.max(this._timing.tokenRetryS, retry_after / 1000);
  }
}
