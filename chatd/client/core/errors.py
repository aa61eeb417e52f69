"""The failures a caller can meet, as exceptions: one class per error code of the protocol, and the ends of a
connection.

The codes and their classes are written here once; when to retry is decided in outbox.py and lifecycle.py.
"""

from typing import ClassVar

from .packets import ErrorReply

ERRORS: dict[str, type["ChatError"]] = {}
"""Every code of protocol.md, "Error codes" and the class that carries it; filled by the classes below."""

RETRIES = frozenset({"never", "later", "after_auth", "after_sync"})


class ChatError(Exception):
    """The server refused a request (protocol.md, "error").

    `retry` says how it may be repeated: `never`, `later` (after `retry_after` milliseconds), `after_auth` or
    `after_sync`. Decide by `retry` when the code is not known. A code without a class of its own is a plain
    `ChatError`.
    """

    code: ClassVar[str] = ""
    usual_retry: ClassVar[str] = "never"

    def __init_subclass__(cls, *, code: str, retry: str) -> None:
        cls.code, cls.usual_retry = code, retry
        ERRORS[code] = cls

    def __init__(self, packet: ErrorReply | None = None) -> None:
        packet = packet or {"code": self.code}
        self.name: str = packet.get("code", self.code)
        retry = packet.get("retry", self.usual_retry)
        self.retry: str = retry if retry in RETRIES else "never"
        self.retry_after: int | None = packet.get("retry_after")
        self.scope: str | None = packet.get("scope")
        self.field: str | None = packet.get("field")
        self.reason: str | None = packet.get("reason")
        self.message: str = packet.get("message", "")
        super().__init__(self.name)

    def __str__(self) -> str:
        parts = [self.name]
        parts += [f"{word} {value}" for word, value in self._details() if value not in (None, "")]
        return ", ".join(parts)

    def _details(self) -> list[tuple[str, object]]:
        return [
            ("field", self.field),
            ("scope", self.scope),
            ("reason", self.reason),
            ("retry_after", self.retry_after),
            ("message", self.message),
        ]


def error_from(packet: ErrorReply) -> ChatError:
    """Return the exception for an `error` packet; an unknown code gives a plain `ChatError`."""
    return ERRORS.get(packet.get("code", ""), ChatError)(packet)


class BadRequest(ChatError, code="bad_request", retry="never"):
    """A field is missing or invalid; `field` names it."""


class UnknownType(ChatError, code="unknown_type", retry="never"):
    """This server does not know the request type."""


class NotSupported(ChatError, code="not_supported", retry="never"):
    """The request needs a feature that is not in force, or is switched off."""


class TokenExpired(ChatError, code="token_expired", retry="after_auth"):
    """The token has expired."""


class TokenInvalid(ChatError, code="token_invalid", retry="after_auth"):
    """The token cannot be verified."""


class AuthMismatch(ChatError, code="auth_mismatch", retry="never"):
    """A refreshed token names another user or device."""


class Forbidden(ChatError, code="forbidden", retry="never"):
    """Role or claim does not allow it."""


class NotMember(ChatError, code="not_member", retry="never"):
    """The user is not, or no longer, in the room."""


class NotFound(ChatError, code="not_found", retry="never"):
    """Room, user or target is absent or invisible."""


class RoomDeleted(ChatError, code="gone", retry="never"):
    """The room was deleted."""


class TooLarge(ChatError, code="too_large", retry="never"):
    """A body, list or page is above a limit."""


class RoomFull(ChatError, code="room_full", retry="never"):
    """The member limit is reached."""


class QuotaReached(ChatError, code="quota", retry="never"):
    """The user is in as many rooms as one user may be, or has as many bytes of files, as has the room (`scope`)."""


class NotReady(ChatError, code="not_ready", retry="later"):
    """The file is not whole, or not inspected."""


class Unreadable(ChatError, code="unreadable", retry="never"):
    """An uploaded file is cut or broken, or not of its kind (protocol.md, "Uploading")."""


class EditWindowOver(ChatError, code="edit_window", retry="never"):
    """The time in which a message may be edited or recalled is over."""


class Muted(ChatError, code="muted", retry="later"):
    """The user is temporarily barred from posting."""


class Conflict(ChatError, code="conflict", retry="never"):
    """The target was recalled, a role or a contact changed meanwhile, or the key belongs to another operation."""


class Refused(ChatError, code="refused", retry="never"):
    """They do not take this from the user, or there is no such user; nothing says which."""


class Rejected(ChatError, code="rejected", retry="never"):
    """Kept out by the host app, a filter or the moderators; `reason` is a word for the app."""


class Blocked(ChatError, code="blocked", retry="never"):
    """The user blocks them."""


class RequestPending(ChatError, code="request_pending", retry="never"):
    """They have not accepted yet: no more texts, no attachments, no data."""


class Aborted(ChatError, code="aborted", retry="later"):
    """An earlier send of the same batch failed."""


class RateLimited(ChatError, code="rate_limited", retry="later"):
    """The client asks too often; `retry_after` and `scope` say for how long and where to wait."""


class Overloaded(ChatError, code="overloaded", retry="later"):
    """The server cannot serve the request now."""


class ServerTimeout(ChatError, code="timeout", retry="later"):
    """The server timed out; whether the change was made is unknown."""


class Internal(ChatError, code="internal", retry="later"):
    """A fault of the server; whether the change was made is unknown."""


class BadCursor(ChatError, code="bad_cursor", retry="after_sync"):
    """The `cursor` or `more` is malformed."""


class Closed(Exception):
    """The client is stopped and will not reconnect by itself (protocol.md, "Close codes").

    `code` is the close code (0 when the app itself stopped the client), `reason` its word. `retry_after_s`: seconds
    after which a ban ends, 0 when it names no end.
    """

    def __init__(self, code: int, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason
        self.retry_after_s = retry_after_s


class Unreachable(TimeoutError):
    """No answer within the time the caller gave; the client goes on trying to connect."""


class HandshakeFailed(ConnectionError):
    """The peer at the address answers, but does not open a WebSocket.

    `status` is that of its HTTP answer, 0 when it gave none; `retry_after_s` is the pause that a full or stopping
    server asks for (protocol.md, "The WebSocket"), or 0.
    """

    def __init__(self, message: str, status: int = 0, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class OutboxFull(Exception):
    """More messages wait than the outbox may hold."""


class ConnectionLost(Exception):
    """The connection ended, or gave no answer, before the reply: the outcome is unknown."""
