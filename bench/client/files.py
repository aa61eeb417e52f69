"""Files as an app sends and fetches them (protocol.md "Media"), on a network that may break, and as fast as it goes."""

import asyncio
import hashlib
import multiprocessing
import os
import random
import secrets
import select
import socket
import time
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, NoReturn

from bench.client.device import Refused

PIECE_BYTES = 65_536  # of what is read, written, paced or cut at a time
HEADS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
PHONES_NICE = 5
AGAIN_S = 0.02  # after a cut
LOST = (OSError, EOFError)  # a connection that broke
UNAVAILABLE = 503  # of a process that waits for the daemon: one asks again, as after a cut


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]


def head(what: str, token: str, length: int = 0, **headers: object) -> bytes:
    """Return the head of a request; of names in `headers` underscores are dashes.

    Each user has an address of their own, as a trusted proxy tells it: new tokens of one address are bounded.
    """
    address = ".".join(map(str, zlib.crc32(token.encode()).to_bytes(4, "big")))
    named: dict[str, object] = {"Host": "x", "Authorization": f"Bearer {token}", "X-Forwarded-For": address}
    named |= {"Content-Length": length, **HEADS}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{what} HTTP/1.1\r\n{lines}\r\n".encode()


@dataclass
class Files:
    """One user's files over a connection, which is made anew when it broke. `carried`: bytes of files."""

    port: int
    token: str
    carried: int = 0
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, what: str, body: bytes = b"", pace_s: float = 0.0, **headers: object) -> Answer:
        """Ask, and leave the body of the answer on the connection. Raises OSError, EOFError. `pace_s`: of a piece."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port, limit=PIECE_BYTES)
        reader, writer = self._streams
        try:
            writer.write(head(what, self.token, len(body), **headers))
            for at in range(0, len(body), PIECE_BYTES):
                writer.write(body[at : at + PIECE_BYTES])
                await writer.drain()
                self.carried += len(body[at : at + PIECE_BYTES])
                await asyncio.sleep(pace_s)
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except LOST:
            self.close()
            raise
        pairs = (line.partition(":") for line in lines if line)
        return Answer(int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs})

    async def said(self, what: str, body: bytes = b"", pace_s: float = 0.0, **headers: object) -> Answer:
        """Ask for an answer without a body. Raises OSError, also for a server that cannot now, EOFError, Refused."""
        answer = await self.ask(what, body, pace_s, **headers)
        if answer.status >= 300:
            self._refuse(answer, what)
        return answer

    def _refuse(self, answer: Answer, what: str) -> NoReturn:
        self.close()
        if answer.status == UNAVAILABLE:
            raise ConnectionError(f"{what}: {answer.status}")
        raise Refused({"code": answer.status, "message": what})

    async def begin(self, length: int | None, kind: str = "file", key: str = "", **metadata: str) -> str:
        """Return the id of a new upload, whose length is told later where it is None."""
        words = {"key": key or secrets.token_urlsafe(16), "kind": kind, **metadata}
        told = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in words.items())
        size = ("Upload_Length", length) if length is not None else ("Upload_Defer_Length", 1)
        answer = await self.said("POST /v1/files", Upload_Metadata=told, **dict[str, Any]([size]))
        return answer.headers["location"].rpartition("/")[2]

    async def append(
        self, file: str, body: bytes, at: int = 0, pace_s: float = 0.0, **headers: object
    ) -> Answer:
        return await self.said(f"PATCH /v1/files/{file}", body, pace_s, Upload_Offset=at, **headers)

    async def upload(self, content: bytes, kind: str = "file", pace_s: float = 0.0) -> str:
        """Return the id of a file that is ready. Raises Refused for one that is not."""
        file = await self.begin(len(content), kind, sha256=digest(content))
        told = await self.append(file, content, pace_s=pace_s)
        while (state := told.headers.get("chatd-file")) == "inspecting":
            await asyncio.sleep(AGAIN_S)
            told = await self.said(f"HEAD /v1/files/{file}")
        if state != "ready":
            raise Refused({"code": "unreadable", "message": f"a {kind} is {state} after it was uploaded"})
        return file

    async def fetch(self, path: str, held: bytearray, pace_s: float = 0.0) -> None:
        """Fetch what is not `held` of a file. Raises OSError, EOFError, Refused."""
        answer = await self.ask(f"GET /v1/media/{path}", Range=f"bytes={len(held)}-")
        if answer.status != 206:
            self._refuse(answer, path)
        left = int(answer.headers["content-length"])
        assert self._streams is not None
        while left:
            piece = await self._streams[0].read(min(left, PIECE_BYTES))
            if not piece:
                self.close()
                raise EOFError
            held += piece
            self.carried += len(piece)
            left -= len(piece)
            await asyncio.sleep(pace_s * len(piece) / PIECE_BYTES)

    async def listen(self, path: str) -> AsyncIterator[bytes]:
        """Yield what is said in a live note, until it is over. Raises OSError, EOFError, Refused."""
        answer = await self.ask(f"GET /v1/media/{path}")
        if answer.status != 200 or self._streams is None:
            raise Refused({"code": answer.status, "message": path})
        reader = self._streams[0]
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield (await reader.readexactly(size + 2))[:-2]
        self.close()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
        self._streams = None


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def upload_on(files: Files, content: bytes) -> str:
    """Upload a file, however often the connection breaks."""
    key = secrets.token_urlsafe(16)
    while True:
        with suppress(*LOST):
            file = await files.begin(len(content), key=key)
            told = await files.said(f"HEAD /v1/files/{file}")
            at = int(told.headers["upload-offset"])
            if at < len(content):
                told = await files.append(file, content[at:], at)
            if told.headers.get("chatd-file") == "ready":
                return file
        await asyncio.sleep(AGAIN_S)


async def fetch_on(files: Files, path: str, size: int) -> bytes:
    """Fetch a file of so many bytes, however often the connection breaks."""
    held = bytearray()
    while len(held) < size:
        with suppress(*LOST):
            await files.fetch(path, held)
        await asyncio.sleep(AGAIN_S if len(held) < size else 0)
    return bytes(held)


@dataclass
class BadNetwork:
    """A way to a port. Each piece of bytes ends its connection with probability `cut`, and is lost from a place on."""

    upstream: int
    cut: float
    chance: random.Random
    port: int = 0
    cuts: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self.upstream)
        both = {writer, there[1]}
        self.writers |= both
        await asyncio.gather(self._copy(reader, there[1], both), self._copy(there[0], writer, both))
        self.writers -= both

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, both: set[asyncio.StreamWriter]
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                is_cut = self.chance.random() < self.cut
                writer.write(self.passed(piece[: self.chance.randrange(len(piece))] if is_cut else piece))
                await writer.drain()
                if is_cut:
                    self.cuts += 1
                    break
        for end in both:
            end.close()

    def passed(self, piece: bytes) -> bytes:
        """Return a piece as it is passed on."""
        return piece


@asynccontextmanager
async def bad_network(upstream: int, cut: float, seed: int) -> AsyncIterator[BadNetwork]:
    network = BadNetwork(upstream, cut, random.Random(seed))
    async with await asyncio.start_server(network.carry, "127.0.0.1", 0) as server:
        network.port = server.sockets[0].getsockname()[1]
        yield network
        for writer in network.writers:
            writer.transport.abort()


Request = tuple[bytes, memoryview]  # the head and the body


class _Flow:
    """A connection that sends each request when the one before is answered; bytes of answers are not looked at."""

    def __init__(self, port: int, requests: Iterator[Request], poll: select.epoll) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.done = 0
        self._requests, self._poll = requests, poll
        self._unsent = memoryview(b"")
        self._head, self._left = b"", 0
        poll.register(self.socket, select.EPOLLIN)

    def ask(self) -> bool:
        """Send the next request; False when there is none."""
        request = next(self._requests, None)
        if request is None:
            self._poll.unregister(self.socket)
            return False
        self.socket.send(request[0])
        self._unsent = request[1]
        if self._unsent:
            self._poll.modify(self.socket, select.EPOLLIN | select.EPOLLOUT)
        return True

    def go_on(self, buffer: bytearray) -> bool:
        """Send and read what there is; False when the last request was answered. Raises Refused, OSError."""
        if self._unsent:
            with suppress(BlockingIOError):
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
            if not self._unsent:
                self._poll.modify(self.socket, select.EPOLLIN)
            return True
        if self._left:
            flag = socket.MSG_TRUNC if self._left > PIECE_BYTES else 0
            self._left -= self.socket.recv_into(buffer, min(self._left, len(buffer)), flag)
        else:
            self._head += self.socket.recv(PIECE_BYTES)
            first, found, rest = self._head.partition(b"\r\n\r\n")
            if not found:
                return True
            if not first.startswith(b"HTTP/1.1 2"):
                raise Refused({"code": first[9:12].decode(), "message": "a request of a load"})
            length = first.lower().partition(b"content-length:")[2].partition(b"\r")[0]
            self._head, self._left = b"", int(length or 0) - len(rest)
        if self._left:
            return True
        self.done += 1
        return self.ask()


class Driven(NamedTuple):
    """Requests that were answered, the seconds, and those of the processor that asking took."""

    answers: int
    seconds: float
    cpu_s: float


def drive(port: int, flows: Iterable[Iterator[Request]]) -> Driven:
    """Send the requests of each flow over its own connection. Blocks. Raises Refused, OSError."""
    buffer = bytearray(1 << 20)
    with select.epoll() as poll:
        all_flows = {flow.socket.fileno(): flow for flow in (_Flow(port, one, poll) for one in flows)}
        began, used = time.perf_counter(), time.thread_time()
        going = sum(flow.ask() for flow in all_flows.values())
        while going:
            for number, _ in poll.poll():
                going -= not all_flows[number].go_on(buffer)
        seconds, cpu_s = time.perf_counter() - began, time.thread_time() - used
    for flow in all_flows.values():
        flow.socket.close()
    return Driven(sum(flow.done for flow in all_flows.values()), seconds, cpu_s)


def again(request: bytes, seconds: float) -> Iterator[Request]:
    """Yield a request until so many seconds are over."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        yield request, memoryview(b"")


class Phones(NamedTuple):
    """Phones that upload, and as many that download `path`, each as fast as its network lets it."""

    port: int
    tokens: Sequence[str]  # of those who upload; the first owns what the others download
    reader: str
    path: str
    content: bytes
    bytes_per_s: int


class Carried(NamedTuple):
    """What phones did: bytes both ways, in so many seconds, and what went wrong."""

    size: int
    seconds: float
    faults: list[str]


@asynccontextmanager
async def phoning(plan: Phones) -> AsyncIterator[list[Carried]]:
    """Let phones upload and download in a process of their own, which tells at the end what they did."""
    told, spawning = list[Carried](), multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_run, args=(plan, theirs), daemon=True)
    process.start()
    try:
        await asyncio.to_thread(ours.recv)
        yield told
        ours.send("end")
        told.append(await asyncio.to_thread(ours.recv))
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _run(plan: Phones, to: Connection) -> None:
    # Phones have processors of their own: they take none from those who measure how long a message is under way.
    os.nice(PHONES_NICE)
    asyncio.run(_phones(plan, to))


async def _phones(plan: Phones, to: Connection) -> None:
    pace_s, faults = PIECE_BYTES / plan.bytes_per_s, list[str]()
    uploading = [Files(plan.port, token) for token in plan.tokens]
    downloading = [(Files(plan.port, plan.reader), bytearray()) for _ in plan.tokens]

    async def upload(files: Files, number: int) -> None:
        # They began at different times.
        part = plan.content[: len(plan.content) * (number + 1) // len(plan.tokens)]
        while True:
            await files.upload(part, pace_s=pace_s)
            part = plan.content

    async def download(files: Files, held: bytearray) -> None:
        while not held:
            await files.fetch(plan.path, held, pace_s)
            if held == plan.content:
                held.clear()

    async def watched(phone: Awaitable[None]) -> None:
        try:
            await phone
        except (*LOST, Refused) as error:
            faults.append(repr(error))

    phones = (*map(upload, uploading, range(len(uploading))), *(download(*one) for one in downloading))
    tasks = [asyncio.create_task(watched(phone)) for phone in phones]
    began = time.perf_counter()
    to.send("began")
    await asyncio.to_thread(to.recv)
    wrong = sum(not plan.content.startswith(held) for _, held in downloading)
    faults += ["a phone was given other bytes than were uploaded"] * wrong
    size = sum(files.carried for files in (*uploading, *(one for one, _ in downloading)))
    to.send(Carried(size, time.perf_counter() - began, faults))
    for task in tasks:
        task.cancel()
