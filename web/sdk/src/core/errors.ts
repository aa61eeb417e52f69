/** The failures a caller can meet, as exceptions: the refusals of the server, told apart by `code`, and the ends of a
 * connection. When to retry is decided in outbox.ts and lifecycle.ts. */

import type { ErrorCode, ErrorReply } from "./packets.js";

/** How a refused request may be repeated (protocol.md, "error"). */
export type Retry = "never" | "later" | "after_auth" | "after_sync";

const RETRIES = ["never", "later", "after_auth", "after_sync"];

/** The server refused a request (protocol.md, "error"). Decide by `retry` when the code is not known. */
export class ChatError extends Error {
  override readonly name: string = "ChatError";
  /** One of protocol.md, "Error codes", or one that this version does not know. */
  declare readonly code: ErrorCode | (string & {});
  declare readonly retry: Retry;
  /** Milliseconds to wait, if the server said. */
  declare readonly retry_after: number | undefined;
  declare readonly scope: string | undefined;
  declare readonly field: string | undefined;
  /** Of `rejected`: the word of whoever screens. */
  declare readonly reason: string | undefined;

  constructor(readonly packet: ErrorReply) {
    super(JSON.stringify(packet));
    const { message: _, retry = "", ...rest } = packet;
    Object.assign(this, rest, { retry: RETRIES.includes(retry) ? retry : "never" });
  }
}

/** The client is stopped and will not reconnect by itself (protocol.md, "Close codes").
 *
 * `code` is the close code (0 when the app itself stopped the client), `reason` its word.
 */
export class Closed extends Error {
  override readonly name = "Closed";

  constructor(readonly code: number, readonly reason: string, cause?: unknown) {
    super(`${code} ${reason}`.trim(), { cause });
  }
}

/** No answer within the time the caller gave; the client goes on trying to connect. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** The peer at the address does not open a WebSocket, or not one of this protocol. */
export class HandshakeFailed extends Error {
  override readonly name = "HandshakeFailed";
}

/** More messages wait than the outbox may hold. */
export class OutboxFull extends Error {
  override readonly name = "OutboxFull";
}

/** The connection ended, or gave no answer, before the reply: the outcome is unknown. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** A fresh token was called invalid, or the app has no other: the client stops and the app shows its login. */
export class TokenRejected extends Error {
  override readonly name = "TokenRejected";
}
