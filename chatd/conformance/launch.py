"""Where testees come from: a command that is started, or an app that connects to the kit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from .testee import LINE_BYTES, ProcessChannel, SocketChannel, Testee, TesteeError

CONNECT_S = 120.0
"""Longest wait for an app to connect: somebody may have to start it by hand."""


PAGE = b"<!doctype html><title>chatd conformance</title>"


class Launcher(Protocol):
    """Gives one testee after the other. `many`: whether it can give as many as are wanted."""

    many: bool

    async def launch(self) -> Testee:
        """Return a testee that said hello. Raises TesteeError."""
        ...


class CommandLauncher:
    """Starts a command each time."""

    many = True

    def __init__(self, command: str) -> None:
        self._command = command

    async def launch(self) -> Testee:
        channel = await ProcessChannel.start(self._command)
        try:
            return await Testee.meet(channel)
        except TesteeError:
            await channel.kill()
            raise


class SocketLauncher:
    """Takes the next app that connects to `url`."""

    many = False

    def __init__(self, url: str) -> None:
        self.url = url
        self.connected: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def launch(self) -> Testee:
        try:
            async with asyncio.timeout(CONNECT_S):
                socket = await self.connected.get()
        except TimeoutError:
            raise TesteeError(f"no testee connected to {self.url} within {CONNECT_S:g} s") from None
        return await Testee.meet(SocketChannel(socket))


def _page(_: ServerConnection, request: Request) -> Response | None:
    """Answer a browser that opens the address with a page that holds nothing: the place for a testee."""
    if "Upgrade" in request.headers:
        return None
    headers = Headers({"Content-Type": "text/html", "Content-Length": str(len(PAGE))})
    return Response(200, "OK", headers, PAGE)


@asynccontextmanager
async def listening(address: str) -> AsyncIterator[SocketLauncher]:
    """Listen on `HOST:PORT` for apps that connect to `ws://HOST:PORT/testee`; port 0: a free one."""
    parts = urlsplit(f"//{address}")
    host = parts.hostname or "127.0.0.1"
    launcher = SocketLauncher("")

    async def connected(socket: ServerConnection) -> None:
        if socket.request is None or urlsplit(socket.request.path).path != "/testee":
            await socket.close(4404, "connect to /testee")
            return
        launcher.connected.put_nowait(socket)
        await socket.wait_closed()

    async with serve(
        connected,
        host,
        parts.port or 0,
        max_size=LINE_BYTES,
        ping_interval=None,
        process_request=_page,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        launcher.url = f"ws://{host}:{port}/testee"
        yield launcher
