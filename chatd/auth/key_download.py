"""The download of a key set over HTTPS: bounded in bytes and seconds, no redirects, in a thread of its own."""

import asyncio
import socket
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from chatd.auth.keys import KEY_SET_BYTES_MAX
from chatd.egress.threads import in_thread

SOCKET_S = 3.0  # one connect, TLS handshake or read; a provider answers in 0.2
TOTAL_S = 5.0  # the whole download: below the 10 s in which a phone waits for its hello
CHUNK_BYTES = 16384


async def download(url: str) -> bytes:
    """Return the body behind `url` within TOTAL_S; OSError (TimeoutError is one) for any failure."""
    sockets = _OpenSockets()
    try:
        async with asyncio.timeout(TOTAL_S):
            return await in_thread(partial(_read, url, sockets), "key set")
    finally:
        sockets.cut()


class _OpenSockets:
    """The sockets of one download; `cut` shuts them down, which ends a read in another thread."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._is_cut = False

    def add(self, connected: socket.socket) -> None:
        self._sockets.append(connected)
        if self._is_cut:
            self.cut()

    def cut(self) -> None:
        self._is_cut = True
        for one in self._sockets:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which would remove the TLS state that the reading thread uses.
                socket.socket.shutdown(one, socket.SHUT_RDWR)


class _Handler(HTTPSHandler, HTTPHandler):
    """A handler of urllib that adds the sockets of its connections to `sockets`."""

    def __init__(self, sockets: _OpenSockets) -> None:
        super().__init__()
        self._sockets = sockets

    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(self._made(HTTPConnection), request)

    def https_open(self, request: Request) -> HTTPResponse:
        return self.do_open(self._made(HTTPSConnection), request)

    def _made(self, kind: type[HTTPConnection]) -> type[HTTPConnection]:
        sockets = self._sockets

        class Connection(kind):  # type: ignore[valid-type, misc]
            def connect(self) -> None:
                super().connect()
                sockets.add(self.sock)

        return Connection


def _read(url: str, sockets: _OpenSockets) -> bytes:
    # The configuration checked the scheme.
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "chatd"})  # noqa: S310
    try:
        with _opener(sockets).open(request, timeout=SOCKET_S) as response:
            if response.status != HTTPStatus.OK:
                raise OSError(f"answered with status {response.status}")
            content = bytearray()
            while chunk := response.read1(CHUNK_BYTES):
                content += chunk
                if len(content) > KEY_SET_BYTES_MAX:
                    raise OSError(f"longer than {KEY_SET_BYTES_MAX} bytes")
    except OSError:
        raise
    except Exception as error:
        # http.client and urllib raise more kinds than they document; some show the URL, with a key in it.
        raise OSError(f"no HTTP answer ({type(error).__name__})") from None
    return bytes(content)


def _opener(sockets: _OpenSockets) -> OpenerDirector:
    """Return an opener that follows no redirects: they could lead to plain http or into the local network."""
    opener = OpenerDirector()
    opener.add_handler(ProxyHandler())
    opener.add_handler(_Handler(sockets))
    return opener
