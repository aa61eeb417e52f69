"""The error table (protocol.md "Error codes") and three kinds of error, by the side that must act.

`Refused`: the request was wrong; the client gets an `error` and stays connected. `Broken`: the client broke the
protocol; its connection is closed. `Unavailable`: the server cannot now; the client retries later. Any other exception
is a defect of the server.
"""

from typing import Literal

from chatd.protocol.close_codes import CLOSE_CODES

Retry = Literal["never", "later", "after_auth", "after_sync"]

ERRORS: dict[str, Retry] = {
    "bad_request": "never",
    "unknown_type": "never",
    "not_supported": "never",
    "token_expired": "after_auth",
    "token_invalid": "after_auth",
    "auth_mismatch": "never",
    "forbidden": "never",
    "refused": "never",
    "rejected": "never",
    "blocked": "never",
    "not_member": "never",
    "not_found": "never",
    "gone": "never",
    "too_large": "never",
    "room_full": "never",
    "quota": "never",
    "not_ready": "later",
    "edit_window": "never",
    "muted": "later",
    "conflict": "never",
    "request_pending": "never",
    "aborted": "later",
    "rate_limited": "later",
    "overloaded": "later",
    "timeout": "later",
    "internal": "later",
    "bad_cursor": "after_sync",
}

# Codes of plain HTTP alone; all but the first are of the host's API (docs/api.md).
HTTP_ERRORS: dict[str, Retry] = {
    "login_failed": "never",
    "key_invalid": "never",
    "unreadable": "never",
    "feed_gap": "never",
    "feed_behind": "never",
}


class ChatError(Exception):
    """An error with a code of the table; `message` is English for developers, never shown to users.

    `retry_after`: milliseconds. `scope`: connection, user, room, address or slow. `reason`: a word for the app, of what
    was rejected. `expected`: of a feed, the number that is.
    """

    reason: str | None = None

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        retry_after: int | None = None,
        scope: str | None = None,
        field: str | None = None,
        expected: int | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.scope = scope
        self.field = field
        self.expected = expected

    @property
    def retry(self) -> Retry:
        return ERRORS[self.code] if self.code in ERRORS else HTTP_ERRORS[self.code]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class Refused(ChatError):
    """The client may not do this, or asked wrongly: it gets an `error` and stays connected."""


class Rejected(Refused):
    """The host app, a filter or the moderators keep this out; `reason` is a word for the app."""

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__("rejected", message)
        self.reason = reason


class Unavailable(ChatError):
    """The server cannot do this now: the client gets an `error` and retries later with the same key."""


class Broken(Exception):
    """The client broke the protocol: it gets a `bye` with this close code and is closed."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    @property
    def reason(self) -> str:
        return CLOSE_CODES[self.code]
