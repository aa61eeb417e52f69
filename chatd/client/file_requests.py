"""Requests to the place of files: with a token, repeated while what hinders them is only for now (protocol.md,
"Media")."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from .core.errors import ChatError, Closed, NotSupported, TokenInvalid
from .core.files import MediaOffer, refusal_from
from .http import Answer, Content, HttpClient
from .settings import Settings
from .tokens import TokenRejected, Tokens


class FileHost(Protocol):
    """The rest of the client, as requests for files need it."""

    async def media_offer(self) -> MediaOffer | None:
        """Return what the server said of files, once it was heard."""
        ...

    def check_running(self) -> None:
        """Raise `Closed` when the client is stopped."""
        ...


class FileRequests:
    """The requests of one client, which share its tokens and connections."""

    def __init__(self, host: FileHost, tokens: Tokens, settings: Settings) -> None:
        self._host = host
        self._tokens = tokens
        self._env = settings.env
        self._timing = settings.timing
        self._http = HttpClient(settings.ssl, settings.timing.file_silence_s)
        self._pauses: set[asyncio.Future[None]] = set()
        self._token = ""

    async def url(self) -> str:
        """Return the address of the place of files. Raises `NotSupported` where there is none."""
        offer = await self._host.media_offer()
        if offer is None:
            raise NotSupported({"code": "not_supported", "message": "this server takes no files"})
        return offer["url"]

    @asynccontextmanager
    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], content: Content | None = None
    ) -> AsyncIterator[Answer]:
        """Make a request with a token; a refused one is replaced once. Raises `ChatError`, `ConnectionLost`, `Closed`,
        OSError when `content` cannot be read."""
        for is_fresh in (False, True):
            self._host.check_running()
            token = await self._usable_token(is_fresh)
            signed = {**headers, "Authorization": f"Bearer {token}"}
            async with self._http.request(method, url, signed, content) as answer:
                if answer.head.status < 300 or answer.head.status == 416:
                    yield answer
                    return
                refusal = refusal_from(answer.head, _json(await answer.body()))
            if answer.head.status != 401:
                raise refusal
            self._token = ""
        raise refusal

    def backoff_s(self, tries: int, error: Exception) -> float:
        """Return the seconds until the next attempt, after so many without progress."""
        timing = self._timing
        usual = min(timing.file_retry_cap_s, timing.file_retry_s * 2.0 ** (tries - 1))
        asked = (error.retry_after or 0) / 1000 if isinstance(error, ChatError) else 0.0
        return max(usual * (0.5 + self._env.random() / 2), asked)

    async def pause(self, delay_s: float) -> None:
        """Wait, until the network is back at most. Raises `Closed` when the client is stopped."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self._env.call_later(delay_s, _done(over))
        self._pauses.add(over)
        try:
            await over
        finally:
            timer.cancel()
            self._pauses.discard(over)
        self._host.check_running()

    def wake(self) -> None:
        """End all pauses: the network is back."""
        for over in self._pauses:
            _done(over)()

    def close(self) -> None:
        """End everything that is under way."""
        self._http.close()
        self.wake()

    async def _usable_token(self, is_fresh: bool) -> str:
        try:
            if is_fresh:
                self._token = await self._tokens.fetch()
            elif not self._token:
                self._token = self._tokens.usable(self._env.monotonic()) or await self._tokens.fetch()
        except (TokenRejected, ValueError):
            raise TokenInvalid from None
        return self._token


def _done(over: asyncio.Future[None]) -> Callable[[], None]:
    return lambda: None if over.done() else over.set_result(None)


def _json(body: bytes) -> object:
    with suppress(ValueError):
        return json.loads(body)
    return None


def is_for_now(error: Exception) -> bool:
    """Whether an attempt that ended so is repeated."""
    if isinstance(error, ChatError):
        return error.retry in ("later", "after_auth")
    return not isinstance(error, Closed)
