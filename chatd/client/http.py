"""Requests over HTTP/1.1 with bodies that may be large, as files need them: connections are kept, waits and answers
bounded.

Whatever the network does comes as `ConnectionLost`; all requests that are made here may be repeated.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from .core.errors import ConnectionLost
from .core.http import HEAD_MAX, Head, head_from, length_of, request_head

CHUNK_BYTES = 2**17
"""Bytes that are read and written at a time."""

BODY_MAX = 2**16
"""Most bytes of a body that is read whole: those of this server are small."""

IDLE_MAX = 4
"""Connections that are kept for the next request."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a request: its length, and what reads it from its beginning."""

    length: int
    read: Callable[[], AsyncIterator[bytes]]


class Link:
    """One connection, and the answer that is read from it. `silence_s`: the longest wait for a byte, or for room."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silence_s: float) -> None:
        self._reader = reader
        self._writer = writer
        self._silence_s = silence_s
        self.is_clean = True

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent: nothing is under way, and the server has not closed."""
        return self.is_clean and not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(self, method: str, raw: bytes, content: Content | None) -> "Answer":
        """Send a request and return its answer, which may come before all was sent."""
        self.is_clean = False
        sending = asyncio.create_task(self._send(raw, content))
        reading = asyncio.create_task(self._head())
        try:
            await asyncio.wait((sending, reading), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                error = sending.exception()
                # A server that refuses may close while it is sent to: its answer is there all the same.
                if error is not None and not isinstance(error, ConnectionLost):
                    raise error
                await asyncio.wait((reading,), timeout=self._silence_s)
            if not reading.done():
                raise ConnectionLost("no answer")
            return Answer(self, method, reading.result(), is_sent=sending.done())
        finally:
            for task in (sending, reading):
                task.cancel()
            await asyncio.gather(sending, reading, return_exceptions=True)

    async def read(self, count: int) -> bytes:
        """Return at most so many bytes; none at the end."""
        return await self._bounded(self._reader.read(count))

    async def line(self) -> bytes:
        return await self._bounded(self._reader.readuntil(b"\r\n"))

    def close(self) -> None:
        self._writer.transport.abort()

    async def _send(self, raw: bytes, content: Content | None) -> None:
        await self._write(raw)
        if content is not None:
            async for chunk in content.read():
                await self._write(chunk)

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._bounded(self._writer.drain())

    async def _head(self) -> Head:
        # The wait for it is bounded where the end of the request is known.
        while True:
            try:
                head = head_from(await self._reader.readuntil(b"\r\n\r\n"))
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
                raise ConnectionLost(f"no answer: {error}") from error
            if head.status >= 200:
                return head

    async def _bounded(self, step: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._silence_s):
                return await step
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            raise ConnectionLost(str(error) or "silence") from error


class Answer:
    """The head of an answer, and its body, which is read once."""

    def __init__(self, link: Link, method: str, head: Head, *, is_sent: bool) -> None:
        self.head = head
        self._link = link
        self._left = length_of(method, head)
        self._may_go_on = is_sent and not head.is_last
        self._settle()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body. Raises ConnectionLost when it ends before its end."""
        if self.head.is_chunked and self._left is None:
            async for chunk in self._parts():
                yield chunk
        while self._left != 0:
            chunk = await self._link.read(min(CHUNK_BYTES, self._left or CHUNK_BYTES))
            if not chunk and self._left is not None:
                raise ConnectionLost("the answer was cut")
            self._left = self._left - len(chunk) if self._left is not None else None if chunk else 0
            # Another request may follow before the caller asks for more.
            self._settle()
            if chunk:
                yield chunk

    async def body(self) -> bytes:
        """Return a body that is small. Raises ConnectionLost for one that is not."""
        whole = b""
        async for chunk in self.chunks():
            whole += chunk
            if len(whole) > BODY_MAX:
                raise ConnectionLost("an answer without end")
        return whole

    async def _parts(self) -> AsyncIterator[bytes]:
        """Yield what comes in chunks (RFC 9112, section 7.1)."""
        while size := int((await self._link.line()).split(b";")[0].strip() or b"0", 16):
            while size:
                chunk = await self._link.read(min(CHUNK_BYTES, size))
                if not chunk:
                    raise ConnectionLost("the answer was cut")
                size -= len(chunk)
                yield chunk
            await self._link.line()
        while (await self._link.line()).strip():
            pass
        self._left = 0
        self._settle()

    def _settle(self) -> None:
        if self._left == 0 and self._may_go_on:
            self._link.is_clean = True


class HttpClient:
    """Connections to the servers of one client, opened as needed."""

    def __init__(self, context: ssl.SSLContext | None, silence_s: float) -> None:
        self._context = context
        self._silence_s = silence_s
        self._idle: list[tuple[str, Link]] = []
        self._busy: set[Link] = set()

    @asynccontextmanager
    async def request(
        self, method: str, url: str, headers: Mapping[str, str], content: Content | None = None
    ) -> AsyncIterator[Answer]:
        """Make a request; its answer is read within the block. Raises ConnectionLost, and what reading `content`
        raises."""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sized = headers if content is None else {**headers, "Content-Length": str(content.length)}
        raw = request_head(method, parts.netloc, target, sized)
        origin = f"{parts.scheme}://{parts.netloc}"
        link, answer = None, None
        try:
            if (kept := self._kept(origin)) is not None:
                link = kept
                try:
                    answer = await link.ask(method, raw, content)
                except ConnectionLost:
                    # The server closed what was idle: that says nothing of the network.
                    self._drop(link)
            if answer is None:
                link = await self._open(origin)
                answer = await link.ask(method, raw, content)
            yield answer
        finally:
            if link is not None:
                self._give_back(origin, link)

    def close(self) -> None:
        """End all connections, those in use too."""
        for link in [link for _, link in self._idle] + list(self._busy):
            link.close()
        self._idle.clear()

    def _kept(self, origin: str) -> Link | None:
        for place, link in self._idle:
            if place == origin:
                self._idle.remove((place, link))
                self._busy.add(link)
                if link.is_usable:
                    return link
                self._drop(link)
                return None
        return None

    async def _open(self, origin: str) -> Link:
        parts = urlsplit(origin)
        secure = parts.scheme == "https"
        if secure and self._context is None:
            # It reads the trust store of the system.
            self._context = await asyncio.to_thread(ssl.create_default_context)
        port = parts.port or (443 if secure else 80)
        try:
            async with asyncio.timeout(self._silence_s):
                reader, writer = await asyncio.open_connection(
                    parts.hostname, port, ssl=self._context if secure else None, limit=HEAD_MAX
                )
        except OSError as error:
            raise ConnectionLost(f"no connection: {error}") from error
        link = Link(reader, writer, self._silence_s)
        self._busy.add(link)
        return link

    def _give_back(self, origin: str, link: Link) -> None:
        if link not in self._busy:
            return
        self._busy.discard(link)
        if link.is_usable and len(self._idle) < IDLE_MAX:
            self._idle.append((origin, link))
        else:
            link.close()

    def _drop(self, link: Link) -> None:
        self._busy.discard(link)
        link.close()
