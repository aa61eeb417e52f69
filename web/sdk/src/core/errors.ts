/** The failures a caller can meet, as exceptions: one class for each error code of the protocol, and the ends of a
 * connection. When to retry is decided in outbox.ts and lifecycle.ts. */

import type { ErrorReply } from "./packets.js";

/** How a refused request may be repeated (protocol.md, "error"). */
export type Retry = "never" | "later" | "after_auth" | "after_sync";

const RETRIES = ["never", "later", "after_auth", "after_sync"];

/** The server refused a request (protocol.md, "error"). Decide by `retry` when the code is not known. */
export class ChatError extends Error {
  override readonly name: string = "ChatError";
  readonly code: string;
  readonly retry: Retry;
  /** Milliseconds to wait, if the server said. */
  readonly retry_after: number | undefined;
  readonly scope: string | undefined;
  readonly field: string | undefined;

  constructor(readonly packet: ErrorReply) {
    const { code, retry, retry_after, scope, field, message } = packet;
    super([code, field && `field ${field}`, scope && `scope ${scope}`, message].filter(Boolean).join(", "));
    this.code = code;
    this.retry = RETRIES.includes(retry ?? "") ? (retry as Retry) : "never";
    this.retry_after = retry_after;
    this.scope = scope;
    this.field = field;
  }
}

/** A field is missing or invalid; `field` names it. */
export class BadRequest extends ChatError {}
/** This server does not know the request type. */
export class UnknownType extends ChatError {}
/** The request needs a feature that is not in force, or is switched off. */
export class NotSupported extends ChatError {}
/** The token has expired. */
export class TokenExpired extends ChatError {}
/** The token cannot be verified. */
export class TokenInvalid extends ChatError {}
/** A refreshed token names another user or device. */
export class AuthMismatch extends ChatError {}
/** Role or claim does not allow it. */
export class Forbidden extends ChatError {}
/** The user is not, or no longer, in the room. */
export class NotMember extends ChatError {}
/** Room, user or target is absent or invisible. */
export class NotFound extends ChatError {}
/** The room was deleted. */
export class RoomDeleted extends ChatError {}
/** A body, list or page is above a limit. */
export class TooLarge extends ChatError {}
/** The member limit is reached. */
export class RoomFull extends ChatError {}
/** The user is in as many rooms as one user may be. */
export class QuotaReached extends ChatError {}
/** The time in which a message may be edited or recalled is over. */
export class EditWindowOver extends ChatError {}
/** The user is temporarily barred from posting. */
export class Muted extends ChatError {}
/** The target was recalled, a role changed meanwhile, or the key belongs to another operation. */
export class Conflict extends ChatError {}
/** An earlier send of the same batch failed. */
export class Aborted extends ChatError {}
/** The client asks too often; `retry_after` and `scope` say for how long and where to wait. */
export class RateLimited extends ChatError {}
/** The server cannot serve the request now. */
export class Overloaded extends ChatError {}
/** The server timed out; whether the change was made is unknown. */
export class ServerTimeout extends ChatError {}
/** A fault of the server; whether the change was made is unknown. */
export class Internal extends ChatError {}
/** The `cursor` or `more` is malformed. */
export class BadCursor extends ChatError {}

/** Every code of protocol.md, "Error codes" and the class that carries it. */
export const ERRORS: Readonly<Record<string, typeof ChatError>> = {
  bad_request: BadRequest,
  unknown_type: UnknownType,
  not_supported: NotSupported,
  token_expired: TokenExpired,
  token_invalid: TokenInvalid,
  auth_mismatch: AuthMismatch,
  forbidden: Forbidden,
  not_member: NotMember,
  not_found: NotFound,
  gone: RoomDeleted,
  too_large: TooLarge,
  room_full: RoomFull,
  quota: QuotaReached,
  edit_window: EditWindowOver,
  muted: Muted,
  conflict: Conflict,
  aborted: Aborted,
  rate_limited: RateLimited,
  overloaded: Overloaded,
  timeout: ServerTimeout,
  internal: Internal,
  bad_cursor: BadCursor,
};

/** Return the exception for an `error` packet; an unknown code gives a plain `ChatError`. */
export function errorFrom(packet: ErrorReply): ChatError {
  return new (Object.hasOwn(ERRORS, packet.code) ? ERRORS[packet.code]! : ChatError)(packet);
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

/** What is left of an error on its way to another tab. */
export type PlainError = { packet: ErrorReply } | { closed: [number, string] } | { name: string; message: string };

/** Return an error as data that a structured clone keeps. */
export function plainError(error: unknown): PlainError {
  if (error instanceof ChatError) return { packet: error.packet };
  if (error instanceof Closed) return { closed: [error.code, error.reason] };
  return error instanceof Error ? { name: error.name, message: error.message } : { name: "Error", message: String(error) };
}

/** Return the error that `plainError` was given. */
export function errorFromPlain(plain: PlainError): Error {
  if ("packet" in plain) return errorFrom(plain.packet);
  if ("closed" in plain) return new Closed(...plain.closed);
  const kinds: Record<string, new (message: string) => Error> = { Unreachable, OutboxFull, TypeError, RangeError };
  return new (kinds[plain.name] ?? Error)(plain.message);
}
