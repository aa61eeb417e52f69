"""One connection of HTTP/1.1: heads in, bodies read by whoever answers, files sent by the kernel.

A request is read and answered before the next one is looked at. Nothing is read that nobody waits for, so a slow disk
slows down the sender. Every wait for the peer has a deadline, which `look` keeps.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from http import HTTPStatus
from typing import Protocol, cast

from chatd.media.http.body import ReceivedBody
from chatd.media.http.messages import (
    CONTINUE,
    HEAD_BYTES_MAX,
    HEAD_END,
    Answer,
    BadHead,
    FilePart,
    Request,
    error,
    read_head,
    write_head,
)

# Seconds without a byte from, or to, a peer that has to send or take some.
STALL_S = 60.0
HEAD_S = 10.0
# Between two requests; a phone sends the next part at once.
IDLE_S = 30.0
# For the first request of a connection to arrive, when the process ends meanwhile.
FRESH_S = 1.0
# For the peer to read an answer before the reset that unread bytes cause.
LINGER_S = 2.0
# Sent in one go: what a peer has to take in STALL_S, some 4 kB/s. To one that takes a part within FAST_S a larger one
# is sent, which costs a third less; the largest delays the other connections by 2 ms.
FILE_PART, FILE_PART_MAX = 256 * 1024, 4 << 20
FAST_S = 1.0
# Below, one write of head and body is cheaper than two.
SMALL = 64 * 1024

Handler = Callable[[Request], Awaitable[Answer]]
log = logging.getLogger(__name__)


class Listener(Protocol):
    """What a connection asks of where it came from."""

    handler: Handler
    is_draining: bool

    def date(self) -> str:
        """Return the value of the header Date."""

    async def read_file(self, part: FilePart, offset: int, count: int) -> bytes | bytearray:
        """Return bytes of a file, without waiting for the disk."""

    def customer_of(self, peer: str, forwarded: str | None) -> str:
        """Return whom a request counts for, by its peer and its header X-Forwarded-For."""

    def came(self, connection: "Connection") -> bool:
        """Note a new connection; return whether there is room for it."""

    def left(self, connection: "Connection") -> None:
        """Note that a connection is over."""


class Connection(asyncio.BufferedProtocol):
    """One connection until it is closed."""

    def __init__(self, listener: Listener) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._head = bytearray(HEAD_BYTES_MAX)
        self._filled = 0
        self._body: ReceivedBody | None = None
        self._serving: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._was_used = False
        # Whose it is, as far as is known; the listener counts by it.
        self.customer = ""
        self._forwarded: str | None = None
        self._is_into_body = False
        self._is_closing = False
        # Whether the peer sends nothing more.
        self._is_at_end = False
        self._expects = False
        # Whether the peer has taken enough of what was written.
        self._drained = asyncio.Event()
        self._drained.set()
        self._limit_s = HEAD_S
        self.touched_at = self._loop.time()

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self._is_plain = transport.get_extra_info("sslcontext") is None
        self.customer = self._listener.customer_of(self._peer, None)
        if not self._listener.came(self):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._body is not None:
            self._body.end()
        self._is_closing = True
        self._drained.set()
        self._listener.left(self)

    def eof_received(self) -> bool:
        self._is_at_end = True
        if self._body is not None:
            self._body.end()
        # Half of a connection is enough for an answer that is on its way.
        return self._serving is not None and self._is_plain

    def get_buffer(self, sizehint: int) -> memoryview:
        body = self._body
        self._is_into_body = body is not None and body.has_room and not self._is_closing
        if body is not None and self._is_into_body:
            return body.buffer()
        if self._is_closing or body is not None:
            self._filled = 0
        return memoryview(self._head)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        if self._is_closing:
            return
        body = self._body
        if body is None:
            if not self._filled:
                # All of a head has so long, however it drips.
                self._limit_s, self.touched_at = HEAD_S, self._loop.time()
            self._filled += nbytes
            if self._serving is None:
                self._read_head()
            else:
                # The next request waits for the answer of this one.
                self.transport.pause_reading()
            return
        self.touched_at = self._loop.time()
        if self._is_into_body:
            body.updated(nbytes)
        if not body.has_room:
            # Of one that was ended meanwhile, too: its bytes went elsewhere, and are for nobody.
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self._drained.clear()

    def resume_writing(self) -> None:
        self._drained.set()
        self.touched_at = self._loop.time()

    # deadlines

    def look(self, now: float) -> None:
        """End what waited too long for the peer."""
        if now - self.touched_at < self._limit_s:
            return
        if self._body is not None and self._body.has_room and self.transport.is_reading():
            # Whoever reads it keeps what came, and answers.
            self._body.end()
        elif self._sending is not None or self._serving is None or self._is_closing:
            self.abort()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self._serving is None

    def drain(self) -> None:
        """Close the connection as soon as what is under way is answered; of an upload nothing more is taken.

        One that has just begun is not idle: its first request is under way, and is the last one.
        """
        if self._serving is None:
            if self._was_used or self._loop.time() - self.touched_at > FRESH_S:
                self.transport.close()
        elif self._body is not None and not self._body.is_whole:
            self._body.end()

    def abort(self) -> None:
        """Reset the connection."""
        if self._sending is not None:
            # Aborting a transport whose file is being sent would leave its descriptor with the selector.
            self._sending.cancel()
        else:
            self.transport.abort()

    # requests

    def _read_head(self) -> None:
        end = self._head.find(HEAD_END, 0, self._filled)
        if end < 0:
            if self._filled == HEAD_BYTES_MAX:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large")
            return
        end += len(HEAD_END)
        try:
            request = read_head(bytes(memoryview(self._head)[:end]))
        except BadHead as bad:
            self._refuse(bad.status, "bad_request")
            return
        self._begin(request, end)

    def _begin(self, request: Request, end: int) -> None:
        request.peer = self._peer
        forwarded = request.headers.get("x-forwarded-for")
        if forwarded != self._forwarded:
            self._forwarded, self.customer = forwarded, self._listener.customer_of(self._peer, forwarded)
        body = ReceivedBody(request.length, self._want)
        request.body = body
        self._expects = request.headers.get("expect", "").lower() == "100-continue"
        taken = end
        while body.has_room and taken < self._filled:
            taken += body.take(memoryview(self._head)[taken : self._filled])
        rest = self._filled - taken
        self._head[:rest] = self._head[taken : self._filled]
        self._filled = rest
        if not body.is_whole:
            self._body = body
        if not body.is_whole or not self._is_plain:
            # Without a body there is nothing to hold back, and two system calls are saved.
            self.transport.pause_reading()
        self._limit_s, self._was_used = STALL_S, True
        self._serving = self._loop.create_task(self._serve(request, body))

    def _want(self) -> None:
        """Read on, for somebody waits for it."""
        if self._expects:
            self._expects = False
            self.transport.write(CONTINUE)
        if self._body is not None and self._body.has_room and not self.transport.is_reading():
            self.touched_at = self._loop.time()
            self.transport.resume_reading()

    async def _serve(self, request: Request, body: ReceivedBody) -> None:
        try:
            answer = await self._listener.handler(request)
        except Exception:
            log.exception("%s failed", request.method)
            answer = error(500, "internal")
        is_last = not body.is_whole or not request.keeps_alive or self._listener.is_draining
        try:
            await self._send(request, answer, keeps_alive=not is_last)
        except (OSError, asyncio.CancelledError):
            self.transport.abort()
            return
        finally:
            await answer.close()
            self._serving = self._sending = None
            self._body = None
        if is_last or self._is_closing:
            self._linger(is_read=body.is_whole)
        else:
            self._next()

    def _next(self) -> None:
        """Look at the next request, which may be here already."""
        self._limit_s = HEAD_S if self._filled else IDLE_S
        self.touched_at = self._loop.time()
        self._read_head()
        if self._serving is not None or self.transport.is_closing():
            return
        if self._is_at_end:
            self.transport.close()
        else:
            self.transport.resume_reading()

    # answers

    async def _send(self, request: Request, answer: Answer, *, keeps_alive: bool) -> None:
        head = write_head(answer, self._listener.date(), keeps_alive=keeps_alive)
        self._sending, self.touched_at = self._serving, self._loop.time()
        body = answer.body
        if request.method == "HEAD":
            self.transport.write(head)
        elif isinstance(body, bytes):
            self.transport.write(head + body)
        else:
            await (
                self._send_file(head, body) if isinstance(body, FilePart) else self._send_chunks(head, body)
            )
        if not self._drained.is_set():
            await self._drained.wait()

    async def _send_file(self, head: bytes, part: FilePart) -> None:
        if part.count <= SMALL:
            self.transport.write(head + await self._listener.read_file(part, part.offset, part.count))
            return
        self.transport.write(head)
        offset, end, most = part.offset, part.offset + part.count, FILE_PART
        with os.fdopen(part.descriptor, "rb", closefd=False) as file:
            while offset < end:
                count = min(most, end - offset)
                if self.transport.is_closing():
                    raise ConnectionResetError
                if self._is_plain:
                    await self._loop.sendfile(self.transport, file, offset, count)
                else:
                    self._write(await self._listener.read_file(part, offset, count))
                    await self._drained.wait()
                offset += count
                began, self.touched_at = self.touched_at, self._loop.time()
                is_fast = self._is_plain and self.touched_at - began < FAST_S
                most = min(2 * most, FILE_PART_MAX) if is_fast else FILE_PART

    async def _send_chunks(self, head: bytes, body: AsyncGenerator[bytes, None]) -> None:
        self._write(head)
        async for data in body:
            self._write(b"%x\r\n%b\r\n" % (len(data), data))
            await self._drained.wait()
            self.touched_at = self._loop.time()
        self._write(b"0\r\n\r\n")

    def _write(self, data: bytes | bytearray) -> None:
        if self.transport.is_closing():
            raise ConnectionResetError
        self.transport.write(data)

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        answer = error(status, code)
        head = write_head(answer, self._listener.date(), keeps_alive=False)
        self.transport.write(head + cast(bytes, answer.body))
        self._linger(is_read=False)

    def _linger(self, *, is_read: bool) -> None:
        """Close the connection, when the peer had time to read the answer."""
        self._is_closing = True
        if is_read or not self.transport.can_write_eof():
            self.transport.close()
            return
        try:
            self.transport.write_eof()
        except OSError:
            # It was reset, which the transport has not seen.
            self.transport.abort()
            return
        self._limit_s, self.touched_at = LINGER_S, self._loop.time()
        self.transport.resume_reading()
