"""The tokens of the app: the current one, and the one that must never be sent again (protocol.md, "auth,
token_expiring")."""

import asyncio
from collections.abc import Awaitable, Callable

GetToken = Callable[[], Awaitable[str]]

TOKEN_INVALID = 4101


class TokenRejected(Exception):
    """A fresh token was called invalid, or the app has no other: the client stops and the app shows its login."""


class Tokens:
    """The token callback of the app, called for one caller at a time."""

    def __init__(self, get_token: GetToken) -> None:
        self._get_token = get_token
        self._current = ""
        self._expires_at = float("inf")
        self._refused = ""
        self._invalid = 0
        self._refusals = 0
        self._fetching: asyncio.Task[str] | None = None

    def usable(self, now: float) -> str:
        """The current token; empty if there is none that may be sent."""
        return self._current if now < self._expires_at else ""

    async def fetch(self) -> str:
        """Return a token from the app that the server has not refused.

        Callers at the same time share one call. Raises `TokenRejected` when the app returns the very token that was
        called invalid, ValueError when it returns the one that expired, and whatever the callback raises.
        """
        if self._fetching is None:
            self._fetching = asyncio.ensure_future(self._get_token())
            self._fetching.add_done_callback(self._fetched)
        token = await asyncio.shield(self._fetching)
        if token == self._refused:
            if self._invalid:
                raise TokenRejected
            raise ValueError("the app gave a token the server called expired")
        self._current, self._expires_at = token, float("inf")
        return token

    def accepted(self, ttl_s: float, now: float) -> None:
        """Keep the current token, which the server accepted; it expires in `ttl_s` seconds of its clock."""
        self._expires_at = now + ttl_s
        self._invalid = self._refusals = 0

    def refused(self, code: int) -> bool:
        """Note that the server refused the current token with this close code; return whether it refused the one
        before, too.

        Raises `TokenRejected` at the second 4101 in a row.
        """
        self._refused, self._current = self._current or self._refused, ""
        self._refusals += 1
        self._invalid += code == TOKEN_INVALID
        if self._invalid > 1:
            raise TokenRejected
        return self._refusals > 1

    def _fetched(self, task: asyncio.Task[str]) -> None:
        self._fetching = None
        if not task.cancelled():
            # If every caller has stopped waiting, nobody else retrieves the exception.
            task.exception()

    def close(self) -> None:
        """Cancel the call that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
