/** The renewal of the token while a connection lives (protocol.md, "auth, token_expiring"). */

import type { Connection } from "./connection.js";
import { ChatError, ConnectionLost, TokenRejected } from "./core/errors.js";
import type { Timing } from "./core/timing.js";
import { wait, type Env } from "./env.js";
import { TOKEN_EXPIRED, TOKEN_INVALID, type Tokens } from "./tokens.js";

/** The renewal of one token at a time, bound to the connection that asked for it. */
export class TokenRefresh {
  private renewing: Connection | undefined;

  constructor(
    private readonly tokens: Tokens,
    private readonly env: Env,
    private readonly timing: Timing,
    private readonly log: (text: string) => void,
  ) {}

  /** Renew the token, which is about to expire. */
  async start(connection: Connection): Promise<void> {
    if (this.renewing === connection) return;
    this.renewing = connection;
    while (connection.alive && !(await this.tried(connection))) await wait(this.env, this.timing.tokenRetryS);
    if (this.renewing === connection) this.renewing = undefined;
  }

  /** Try once; return whether there is nothing more to try on this connection. */
  private async tried(connection: Connection): Promise<boolean> {
    try {
      const token = await this.tokens.fetch();
      if (!connection.alive) return true;
      const { token_ttl = Infinity } = await connection.request({ type: "auth", token });
      this.tokens.accepted(token_ttl, this.env.monotonic());
      return true;
    } catch (error) {
      if (error instanceof ConnectionLost || error instanceof TokenRejected) return true;
      this.log(`no renewed token: ${error}`);
      return error instanceof ChatError && this.refused(error);
    }
  }

  private refused(error: ChatError): boolean {
    if (error.retry !== "after_auth") return error.retry === "never";
    try {
      this.tokens.refused(error.code === "token_invalid" ? TOKEN_INVALID : TOKEN_EXPIRED);
    } catch {
      return true;
    }
    return false;
  }
}
