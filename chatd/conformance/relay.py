"""A relay between clients and a real server, frame by frame: it can cut, hold and delay, and tells what passes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from .scripted_server import health_response, plain_response

OPEN_S = 10.0
CLOSE_S = 2.0

OnFrame = Callable[[int, str, bytes | str], None]
"""Told of each frame: the number of its connection, `C>` or `S>`, and the frame."""

OnEvent = Callable[[int, str, int], None]
"""Told of `connect`, `refuse` and `close`, with the status or code."""


class Relay:
    """Passes the frames of any number of clients to `upstream` and back."""

    def __init__(
        self,
        upstream: str,
        on_frame: OnFrame = lambda number, side, frame: None,
        on_event: OnEvent = lambda number, what, code: None,
    ) -> None:
        self.url = ""
        self.upstream = upstream
        self.delay_s = 0.0
        self._on_frame = on_frame
        self._on_event = on_event
        self._numbers = 0
        self._links: dict[ServerConnection, ClientConnection] = {}
        self._flowing = asyncio.Event()
        self._flowing.set()

    @asynccontextmanager
    async def running(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator["Relay"]:
        """Listen until the end of the block; port 0: a free one."""
        async with serve(
            self._pass,
            host,
            port,
            process_request=self._open,
            select_subprotocol=self._selected,
            compression=None,
            ping_interval=None,
            max_size=None,
            close_timeout=CLOSE_S,
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"ws://{host}:{port}/v1/ws"
            try:
                yield self
            finally:
                self.flow()
                self.cut()

    # Faults.

    def cut(self) -> None:
        """Lose all connections, on both sides, without a word."""
        for client, upstream in tuple(self._links.items()):
            client.transport.abort()
            upstream.transport.abort()

    def hold(self) -> None:
        """Let nothing pass until `flow`; connections stay."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let everything pass again, what was held first."""
        self._flowing.set()

    # One connection.

    async def _open(self, connection: ServerConnection, request: Request) -> Response | None:
        """Connect to the server before the client is answered, so that it gets the server's own refusal."""
        if urlsplit(request.path).path == "/v1/health":
            return health_response()
        offered = [
            Subprotocol(word.strip()) for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        ]
        origin: Any = request.headers.get("Origin")
        try:
            self._links[connection] = await connect(
                self.upstream,
                subprotocols=[word for word in offered if word] or None,
                origin=origin,
                compression=None,
                ping_interval=None,
                max_size=None,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                proxy=None,
            )
        except InvalidStatus as error:
            refusal = error.response
            self._on_event(0, "refuse", refusal.status_code)
            seconds = refusal.headers.get("Retry-After", "")
            return plain_response(refusal.status_code, b"", int(seconds) if seconds.isdecimal() else None)
        except (OSError, WebSocketException):
            self._on_event(0, "refuse", 502)
            return plain_response(502, b"")
        return None

    def _selected(self, connection: ServerConnection, _: object) -> Subprotocol | None:
        return self._links[connection].subprotocol

    async def _pass(self, client: ServerConnection) -> None:
        upstream = self._links[client]
        self._numbers += 1
        number = self._numbers
        self._on_event(number, "connect", 101)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(number, "C>", client, upstream))
                group.create_task(self._forward(number, "S>", upstream, client))
        finally:
            self._links.pop(client, None)
            upstream.transport.abort()

    async def _forward(self, number: int, side: str, source: Any, target: Any) -> None:
        """Pass frames until the source ends; then end the target in the same way."""
        with suppress(ConnectionClosed):
            async for frame in source:
                self._on_frame(number, side, frame)
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flowing.wait()
                await target.send(frame)
        received = source.protocol.close_rcvd
        if received is None:
            target.transport.abort()
            return
        self._on_event(number, f"{side} close", received.code)
        with suppress(ConnectionClosed):
            await target.close(received.code, received.reason)
