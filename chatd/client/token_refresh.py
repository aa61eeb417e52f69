"""The renewal of the token while a connection lives (protocol.md, "auth, token_expiring")."""

import asyncio
import logging

from .connection import Connection
from .core.errors import ChatError, ConnectionLost
from .env import wait
from .settings import Settings
from .tokens import TOKEN_INVALID, TokenRejected, Tokens

TOKEN_EXPIRED = 4100

log = logging.getLogger(__name__)


class TokenRefresh:
    """The renewal of one token at a time, bound to the connection that asked for it."""

    def __init__(self, tokens: Tokens, settings: Settings) -> None:
        self._tokens = tokens
        self._settings = settings
        self._task: asyncio.Task[None] | None = None

    def start(self, connection: Connection) -> None:
        """Renew the token, which is about to expire."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._renew(connection))

    def stop(self) -> None:
        """Stop the renewal, as its connection is gone."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _renew(self, connection: Connection) -> None:
        while connection.alive and (pause_s := await self._tried(connection)) is not None:
            await wait(self._settings.env, pause_s)

    async def _tried(self, connection: Connection) -> float | None:
        """Try once; return the seconds until the next try, None when there is nothing more to try on this
        connection."""
        try:
            token = await self._tokens.fetch()
            if not connection.alive:
                return None
            reply = await connection.request({"type": "auth", "token": token})
        except (ConnectionLost, TokenRejected):
            return None
        except ChatError as error:
            log.warning("the renewed token was refused: %s", error)
            return self._refused(error)
        except Exception as error:
            # Whatever the callback of the app raises.
            log.warning("no renewed token: %r", error)
            return self._settings.timing.token_retry_s
        self._tokens.accepted(reply.get("token_ttl", float("inf")), self._settings.env.monotonic())
        return None

    def _refused(self, error: ChatError) -> float | None:
        """Return the seconds until the next try; a token that is fetched sooner than `retry_after` is no better."""
        if error.retry == "after_auth":
            try:
                self._tokens.refused(TOKEN_INVALID if error.name == "token_invalid" else TOKEN_EXPIRED)
            except TokenRejected:
                return None
        elif error.retry == "never":
            return None
        return max(self._settings.timing.token_retry_s, (error.retry_after or 0) / 1000)
