"""The tokens of the app: the current one, and the one that must never be shown again (protocol.md, "auth,
token_expiring")."""

import asyncio
from collections.abc import Awaitable, Callable

GetToken = Callable[[], Awaitable[str]]

TOKEN_INVALID = 4101


class TokenRejected(Exception):
    """A fresh token was called invalid, or the app has no other: stop and show the login."""


class Tokens:
    """The app's token callback, asked by one caller at a time."""

    def __init__(self, get_token: GetToken) -> None:
        self._get_token = get_token
        self._current = ""
        self._expires_at = float("inf")
        self._refused = ""
        self._invalid = 0
        self._refusals = 0
        self._fetching: asyncio.Task[str] | None = None

    def usable(self, now: float) -> str:
        """The token at hand, or nothing if there is none that may be shown."""
        return self._current if now < self._expires_at else ""

    async def fetch(self) -> str:
        """A token from the app that the server has not refused.

        Callers at the same time share one call. Raises `TokenRejected` when the app answers a token that was called
        invalid with the very same one, ValueError when it does so with an expired one, and what the callback
        raises.
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
        """The server took the current token; it expires in `ttl_s` seconds of its clock."""
        self._expires_at = now + ttl_s
        self._invalid = self._refusals = 0

    def refused(self, code: int) -> bool:
        """The server refused the current token with this close code; True if not for the first time running.

        Raises `TokenRejected` at the second 4101 running.
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
            task.exception()  # every caller may have gone away; then nobody else asks for it

    def close(self) -> None:
        """Ask no more."""
        if self._fetching is not None:
            self._fetching.cancel()
