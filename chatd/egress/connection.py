"""One connection over HTTP/1.1 (RFC 9112), with one request at a time; httptools parses what comes back."""

import asyncio
import ssl
from typing import NamedTuple, cast

import httptools

HEAD_BYTES_MAX = 65_536  # of an answer; servers send a few hundred
PIECE_GROWTH = 8  # a piece of one byte takes six (RFC 9112, 7.1)


class Unreachable(Exception):
    """A request that got no whole answer; the text says why in a few words."""


class Answer(NamedTuple):
    """An answer, of whatever status. `retry_after`: the header of that name, or ""."""

    status: int
    body: bytes
    retry_after: str


class Connection(asyncio.Protocol):
    """A connection to `address`, which is not resolved any more. `idle_since`: of its keeper."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._future: asyncio.Future[Answer] | None = None
        self._begin()

    async def open(self, port: int, tls: ssl.SSLContext | None, name: str) -> None:
        """Connect; with `tls` to a server whose certificate is for `name`. Raises OSError."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(
            lambda: self, self.address, port, ssl=tls, server_hostname=name if tls else None
        )

    @property
    def is_open(self) -> bool:
        """Whether it can take a request, as far as is known."""
        return self._transport is not None and not self._transport.is_closing()

    async def post(self, request: bytes, bytes_max: int) -> Answer:
        """Send a request; return the answer, with a body of at most `bytes_max`.

        Raises Unreachable. Without an answer, also when it is cancelled, the connection ends.
        """
        assert self._transport is not None
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._future = future
        self._parser = httptools.HttpResponseParser(self)
        self._bytes_max, self._left = bytes_max, HEAD_BYTES_MAX + PIECE_GROWTH * bytes_max
        self._begin()
        self._transport.write(request)
        try:
            return await future
        except BaseException:
            self.abort()
            raise
        finally:
            self._future = None
            # It holds on to us, and a circle lives until it is looked for.
            del self._parser

    def abort(self) -> None:
        """Cut it; a request under way gets no answer."""
        if self._transport is not None:
            self._transport.abort()
        self._fail("the connection was closed")

    # --- of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._future is None:
            # Nobody asked.
            self.abort()
            return
        self._left -= len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._is_kept = False
            self._fail("the answer was cut (it is not HTTP)")
        if self._left < 0:
            self._fail(f"the answer is longer than {self._bytes_max} bytes")
        if self._future.done() and not self._is_kept:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._has_head and not self._has_length and exc is None:
            # Its end is that of the connection (RFC 9112, 6.3).
            self._complete()
        self._fail("the answer was cut")

    # --- of the parser

    def on_message_begin(self) -> None:
        if self._is_kept:
            raise ValueError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._has_length = True
        elif name == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._has_head = self._parser.get_status_code() >= 200

    def on_body(self, piece: bytes) -> None:
        self._body += piece
        if len(self._body) > self._bytes_max:
            self._fail(f"the answer is longer than {self._bytes_max} bytes")

    def on_message_complete(self) -> None:
        if not self._has_head:
            # The real answer follows an interim one.
            self._begin()
            return
        assert self._transport is not None
        self._is_kept = self._parser.should_keep_alive() and not self._transport.get_write_buffer_size()
        self._complete()

    # --- the answer

    def _begin(self) -> None:
        self._body = bytearray()
        self._retry_after = ""
        self._has_head = self._has_length = self._is_kept = False

    def _complete(self) -> None:
        if self._future is not None and not self._future.done():
            status = self._parser.get_status_code()
            self._future.set_result(Answer(status, bytes(self._body), self._retry_after))

    def _fail(self, why: str) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_exception(Unreachable(why))
