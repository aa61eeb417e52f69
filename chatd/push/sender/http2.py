"""Requests over HTTP/2 to one push service: its connections, and those who wait for room on one."""

import asyncio
import logging
import ssl
from collections import deque
from functools import cache

from chatd.egress.client import ADDRESSES_MAX, Resolve, Unreachable, resolved
from chatd.egress.guard import EgressRefused, Guard, target_of
from chatd.env import Env, Timer
from chatd.push.sender.http2_connection import ANSWER_S, Connection, Headers, Response, Unprocessed

CONNECTIONS_MAX = 2  # to one service
CONNECT_S = 10.0
RECONNECT_S = 1.0  # between connections that did not serve
TRIES_MAX = 3  # of a request that no server looked at
TICK_S = 1.0  # how exact the deadlines are

log = logging.getLogger(__name__)


@cache
def http2_context() -> ssl.SSLContext:
    """Return the authorities that this machine trusts, for connections that speak HTTP/2."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    return context


class Http2Client:
    """The connections to one push service. Raises EgressRefused when its URL is none."""

    def __init__(
        self, url: str, env: Env, *, resolve: Resolve = resolved, tls: ssl.SSLContext | None = None
    ) -> None:
        self._target = target_of(url)
        self._guard = Guard(configured=True)
        self._env = env
        self._resolve = resolve
        self._tls = (tls or http2_context()) if self._target.scheme == "https" else None
        self._connections: list[Connection] = []
        self._connecting: asyncio.Task[None] | None = None
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._timer: Timer | None = None
        self._connect_at = 0.0
        self._failure = ""
        self._is_closed = False
        # In front of the headers of each request.
        self.pseudo = (
            (":method", "POST"),
            (":scheme", self._target.scheme),
            (":authority", self._target.authority),
        )

    async def post(self, headers: Headers, body: bytes) -> Response:
        """Send a request, with `:path` and other headers. Raises Unreachable without a whole answer in time."""
        since = self._env.monotonic()
        headers = (*self.pseudo, *headers)
        for _ in range(TRIES_MAX):
            connection = self._with_room() or await self._wait(since)
            try:
                return await connection.request(headers, body, since)
            except Unprocessed:
                continue
        raise Unreachable("the server looks at no request")

    async def close(self) -> None:
        """End all connections; what is under way gets no answer."""
        self._is_closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        for connection in list(self._connections):
            connection.close()
        self._fail_waiting(Unreachable("the connection was closed"))
        if self._timer is not None:
            self._timer.cancel()

    def _with_room(self) -> Connection | None:
        for connection in self._connections:
            if connection.room > 0:
                return connection
        return None

    async def _wait(self, since: float) -> Connection:
        """Return a connection as soon as one has room. Raises Unreachable."""
        while True:
            if self._is_closed:
                raise Unreachable("the connection was closed")
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append((since, turn))
            self._connect_if_needed()
            self._tick_soon()
            await turn
            if connection := self._with_room():
                return connection

    def _connect_if_needed(self) -> None:
        if not self._waiting or self._connecting is not None or self._is_closed:
            return
        is_full = sum(not one.is_over for one in self._connections) >= CONNECTIONS_MAX
        if not is_full and self._with_room() is None and self._env.monotonic() >= self._connect_at:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        self._connect_at = self._env.monotonic() + RECONNECT_S
        try:
            async with asyncio.timeout(CONNECT_S):
                connection = await self._opened()
            self._connections.append(connection)
            why = ""
        except TimeoutError:
            why = f"no connection in {CONNECT_S:g} s"
        except (Unreachable, EgressRefused, OSError) as error:
            why = f"no connection: {error}"
        finally:
            self._connecting = None
        self._report(why)
        if why and all(one.is_over for one in self._connections):
            self._fail_waiting(Unreachable(why))
        self._on_change()

    def _report(self, why: str) -> None:
        """Log a failure when it begins, and its end."""
        if why != self._failure and why:
            log.warning("push: %s: %s", self._target.authority, why)
        elif self._failure and not why:
            log.info("push: %s: connected again", self._target.authority)
        self._failure = why

    async def _opened(self) -> Connection:
        target, loop = self._target, asyncio.get_running_loop()
        failure: Exception = Unreachable("the name of the host has no address")
        try:
            addresses = self._guard.permitted(await self._resolve(target.host, target.port), target.scheme)
        except OSError:
            raise failure from None
        for address in addresses[:ADDRESSES_MAX]:
            opened: asyncio.Future[None] = loop.create_future()
            connection = self._new_connection(opened)
            try:
                await loop.create_connection(
                    lambda made=connection: made,
                    address,
                    target.port,
                    ssl=self._tls,
                    server_hostname=target.host if self._tls else None,
                )
                await opened
            except (OSError, Unreachable) as error:
                failure = error
            except asyncio.CancelledError:
                opened.cancel()
                connection.abort("the connection was closed")
                raise
            else:
                return connection
        raise failure

    def _new_connection(self, opened: asyncio.Future[None]) -> Connection:
        def on_change() -> None:
            if not opened.done() and connection.is_open:
                opened.set_result(None)
            elif not opened.done() and connection.is_over:
                opened.set_exception(Unreachable("the server does not speak HTTP/2"))
            self._on_change()

        connection = Connection(self._env, self._tls is not None, on_change)
        return connection

    def _on_change(self) -> None:
        """Give room to those who wait for it."""
        for connection in self._connections:
            if connection.is_over and connection.has_answered:
                connection.has_answered = False
                self._connect_at = 0.0
        self._connections = [one for one in self._connections if not one.is_over or one.is_busy]
        room = sum(max(0, one.room) for one in self._connections) if self._waiting else 0
        while self._waiting and room > 0:
            _, turn = self._waiting.popleft()
            if not turn.done():
                room -= 1
                turn.set_result(None)
        self._connect_if_needed()

    def _fail_waiting(self, error: Unreachable) -> None:
        waiting, self._waiting = self._waiting, deque()
        for _, turn in waiting:
            if not turn.done():
                turn.set_exception(error)

    def _tick_soon(self) -> None:
        if self._timer is None and not self._is_closed:
            self._timer = self._env.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        """Enforce the deadlines; there is no timer while there is nothing to look at."""
        self._timer = None
        now = self._env.monotonic()
        for connection in list(self._connections):
            connection.look(now)
        while self._waiting and self._waiting[0][0] <= now - ANSWER_S:
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(Unreachable(f"no answer in {ANSWER_S:g} s"))
        self._connect_if_needed()
        if self._connections or self._waiting:
            self._tick_soon()
