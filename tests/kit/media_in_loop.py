"""The process of media in the loop of its daemon: all parts of the product but HTTP, on a disk of the test.

A request is a value, and so is its answer; what both ends say to each other are the frames of the product.
"""

import asyncio
import socket
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import urlsplit

from msgspec.structs import replace

from chatd.env import Env
from chatd.media.http.messages import BodyLost, FilePart, Request
from chatd.media.main import MediaProcess
from chatd.media.service import MediaService
from chatd.protocol.process_frames import FrameReader, Kind, frame
from chatd.storage.sqlite.media_reads import SqliteMediaReads
from tests.kit.adapters import no_troubles
from tests.kit.media_client import BYTES, TUS
from tests.kit.media_disk import Inline, MemoryDisk
from tests.kit.media_rows_in_memory import CopyingInspector


class Body:
    """The body of a request: these pieces, then its end, or the loss of the rest."""

    def __init__(self, pieces: Sequence[bytes] = (), *, is_cut: bool = False) -> None:
        self.pieces = list(pieces)
        self.length = None if is_cut else sum(map(len, pieces))
        self._is_lost = is_cut

    async def read(self, least: int = 1) -> memoryview:
        # What ends it may come between two pieces.
        await asyncio.sleep(0)
        if self._is_lost and not self.pieces:
            raise BodyLost
        return memoryview(self.pieces.pop(0) if self.pieces else b"")

    def end(self) -> None:
        self.pieces.clear()
        self._is_lost = True


class Answered(NamedTuple):
    """An answer with the bytes that its client gets."""

    status: int
    headers: dict[str, str]
    body: bytes


class StubInspector(CopyingInspector):
    """The inspectors of a process: they are there when it starts."""

    missing: tuple[Any, ...] = ()
    running, waiting = 1, 0

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class NoListener:
    """The listener, without one: `handler` is asked directly."""

    def __init__(self, handler: Any, *_: Any) -> None:
        self.handler = handler

    def __len__(self) -> int:
        return 0

    async def start(self, bound: socket.socket, tls: Any) -> None:
        bound.close()

    async def close(self, patience_s: float) -> None: ...


class Wire:
    """The end of the socket that the process writes to."""

    def __init__(self, service: MediaService) -> None:
        self._service = service
        self._reader = FrameReader()

    def write(self, data: bytes) -> None:
        for kind, payload in self._reader.feed(data):
            if kind == Kind.CONTENT:
                self._service.on_content(payload)


@contextmanager
def replaced(disk: MemoryDisk) -> Iterator[None]:
    """Make a process of the block whose disk this is."""
    inspector = StubInspector(disk, disk.content)
    with (
        patch("chatd.media.main.SystemDisk", lambda: disk),
        patch("chatd.media.main.Inspectors", lambda media: inspector),
        patch("chatd.media.main.HttpListener", NoListener),
    ):
        yield


class MediaInLoop:
    """One process: `start`, `request`, `write`, `close`. It is the `link` of the service."""

    def __init__(
        self, service: MediaService, disk: MemoryDisk, env: Env, pool: Executor | None = None
    ) -> None:
        self.disk = disk
        self.wire = Wire(service)
        self._service = service
        self._env = env
        self._pool: Any = Inline() if pool is None else pool
        self.process: MediaProcess | None = None

    async def start(self) -> None:
        """Start it; return when it works and has said how it stands."""
        settings = replace(self._service.settings, listener=socket.socket().detach())
        self.reads = await SqliteMediaReads.open(Path(settings.database), no_troubles())
        with replaced(self.disk):
            process = self.process = MediaProcess(settings, self._env, self.reads, no_troubles(), self._pool)
        process.daemon.connection_made(self.wire)  # type: ignore[arg-type]
        await process.start()
        while self._service.condition is None:
            await asyncio.sleep(0.001)

    def write(self, content: object) -> bool:
        if self.process is None:
            return False
        self.process.daemon.data_received(frame(Kind.CONTENT, content))
        return True

    async def close(self) -> None:
        """End it in peace."""
        process, self.process = self.process, None
        if process is not None:
            await process.close()
            await self.reads.close()
        self._service.on_end()

    async def request(
        self,
        method: str,
        target: str,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Answered:
        """Return what is answered. `target`: a path, or a link. Raises ConnectionError when it has ended."""
        if self.process is None:
            raise ConnectionResetError
        named = {name.lower(): value for name, value in (headers or {}).items()}
        if token:
            named["authorization"] = f"Bearer {token}"
        path, query = urlsplit(target)[2:4]
        request = Request(method, target, path, query, named, keeps_alive=True, peer="192.0.2.1")
        request.body = body or Body()
        if request.body.length is not None:
            named["content-length"] = str(request.body.length)
        else:
            named["transfer-encoding"] = "chunked"
        answer = await self.process._listener.handler(request)
        content: Any = answer.body
        if isinstance(content, FilePart):
            held = self.disk.content(content.descriptor)
            self.disk.close(content.descriptor)
            content = held[content.offset : content.offset + content.count]
        return Answered(answer.status, answer.headers, content)

    # what an app asks for

    async def begin(self, token: str, key: str, length: int, kind: str = "file", **metadata: str) -> Answered:
        said = {"key": key, "kind": kind, **metadata}
        words = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in said.items())
        headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": words}
        return await self.request("POST", "/v1/files", token, headers)

    async def append(self, token: str, file: str, offset: int, body: Body) -> Answered:
        headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": BYTES}
        return await self.request("PATCH", f"/v1/files/{file}", token, headers, body)

    async def look(self, token: str, file: str) -> Answered:
        return await self.request("HEAD", f"/v1/files/{file}", token, TUS)

    async def drop(self, token: str, file: str) -> Answered:
        return await self.request("DELETE", f"/v1/files/{file}", token, TUS)


def file_in(begun: Answered) -> str:
    """Return the file that was begun."""
    assert begun.status == 201, begun
    return begun.headers["Location"].rpartition("/")[2]


def pieces(data: bytes, size: int = 700) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
