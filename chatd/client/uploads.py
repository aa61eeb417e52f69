"""Uploads by tus 1.0 (protocol.md, "Uploading"), which go on at the byte where they broke.

Nothing of one has to be remembered but its `key`: a repeated `POST` with it gives the first upload back, and how much
of it the server has. The keys of files of this device are in the storage of the client, in the table `uploads`.
"""

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urljoin

from .core.errors import ChatError, ConnectionLost
from .core.files import UPLOAD_KEPT_MS, UploadRecord, metadata
from .core.http import Head
from .core.records import Record, Tables
from .file_requests import FileRequests, is_for_now
from .http import CHUNK_BYTES, Content
from .settings import Settings
from .storage import Storage

REQUEST_BYTES = 8 * 2**20
"""Bytes of one request: proxies let no larger ones pass, and keep what they pass on."""

AT_ONCE = 3
"""Uploads at a time; the server has at most 8 of a user open."""

TABLE = "uploads"

TUS = {"Tus-Resumable": "1.0.0"}

Progress = Callable[[int], None]


class Source:
    """The bytes of an upload, read in threads from where a stream stands. One that cannot be read twice is copied."""

    def __init__(self, content: str | os.PathLike[str] | bytes | BinaryIO) -> None:
        """Raises OSError."""
        stream = _stream_of(content)
        self._owned = None if stream is content else stream
        self._stream = stream
        # A read that nobody waits for any more may still be under way.
        self._lock = threading.Lock()
        self._base = stream.tell()
        self.size = stream.seek(0, os.SEEK_END) - self._base

    def close(self) -> None:
        """Close what was opened here."""
        if self._owned is not None:
            with self._lock:
                self._owned.close()

    def read(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._stream.seek(self._base + offset)
            data = self._stream.read(count)
        if not data:
            raise OSError("the file became shorter while it was uploaded")
        return data

    async def chunks(self, offset: int, end: int, on_sent: Progress) -> AsyncIterator[bytes]:
        while offset < end:
            data = await asyncio.to_thread(self.read, offset, min(CHUNK_BYTES, end - offset))
            yield data
            offset += len(data)
            on_sent(offset)


def _stream_of(content: str | os.PathLike[str] | bytes | BinaryIO) -> BinaryIO:
    """Return a stream that can be read twice."""
    if isinstance(content, bytes):
        return BytesIO(content)
    if isinstance(content, (str, os.PathLike)):
        return open(content, "rb")
    if content.seekable():
        return content
    copy = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 closed by the source
    shutil.copyfileobj(content, copy)
    copy.seek(0)
    return copy


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of an upload the server has."""

    address: str
    offset: int
    is_ready: bool


class Uploads:
    """The uploads of one client."""

    def __init__(self, requests: FileRequests, storage: Storage, settings: Settings) -> None:
        self._requests = requests
        self._storage = storage
        self._env = settings.env
        self._inspecting_s = settings.timing.inspecting_s
        self._records: dict[str, UploadRecord] = {}
        self._running: set[str] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._is_closed = False

    def restore(self, tables: Tables) -> None:
        """Take the uploads that the last run left, but those that the server has given up."""
        self._records = dict(tables.get(TABLE, {}))
        oldest = self._env.time_ms() - UPLOAD_KEPT_MS
        for key in [key for key, record in self._records.items() if record["began"] < oldest]:
            self._forget(key)

    def close(self) -> None:
        """Write nothing more: the storage is about to be closed."""
        self._is_closed = True

    def record_of(self, path: str | os.PathLike[str], fields: Mapping[str, str]) -> UploadRecord:
        """Return what is kept of the upload of a file of this device. Raises OSError."""
        stat = os.stat(path)
        return {
            "path": str(Path(path).absolute()),
            "size": stat.st_size,
            "modified": stat.st_mtime_ns,
            "kind": fields["kind"],
            "purpose": fields["purpose"],
            "name": fields["filename"],
            "began": self._env.time_ms(),
        }

    async def key_for(self, record: UploadRecord) -> str:
        """Return the key of the upload of this file that another run did not finish, else a new one, which is kept."""
        for key, kept in self._records.items():
            if key not in self._running and {**kept, "began": record["began"]} == record:
                return key
        key = self._env.key()
        self._records[key] = record
        await self._storage.save([Record(TABLE, key, dict(record))])
        return key

    async def upload(self, source: Source, fields: Mapping[str, str], on_progress: Progress) -> str:
        """Upload a file and return its id once it may be sent; goes on through whatever is only for now.

        Raises `ChatError`, `Closed`, OSError when the file cannot be read.
        """
        key = fields["key"]
        self._running.add(key)
        try:
            async with self._turns:
                file = await self._through(source, fields, on_progress)
        except ChatError:
            self._forget(key)
            raise
        finally:
            self._running.discard(key)
        self._forget(key)
        return file

    async def _through(self, source: Source, fields: Mapping[str, str], on_progress: Progress) -> str:
        standing: Standing | None = None
        tries, best = 0, -1
        while True:
            try:
                standing = await self._find(standing, source, fields)
                if standing.offset > best:
                    # It went on since the last failure: the next one is the first again.
                    tries, best = 0, standing.offset
                on_progress(standing.offset)
                standing = await self._send(standing, source, on_progress)
                if standing.is_ready:
                    return standing.address.rpartition("/")[2]
                await self._requests.pause(self._inspecting_s)
            except (ChatError, ConnectionLost) as error:
                if not is_for_now(error):
                    raise
                tries += 1
                await self._requests.pause(self._requests.backoff_s(tries, error))

    async def _find(self, standing: Standing | None, source: Source, fields: Mapping[str, str]) -> Standing:
        """Return where an upload stands, which may have to begin."""
        if standing is not None:
            try:
                async with self._requests.ask("HEAD", standing.address, TUS) as answer:
                    return _standing(standing.address, answer.head, source)
            except ChatError as error:
                # It has no body that says more, or the server gave the upload up: the key says which.
                if is_for_now(error):
                    raise
        url = await self._requests.url()
        headers = {**TUS, "Upload-Length": str(source.size), "Upload-Metadata": metadata(fields)}
        begin = Content(0, _nothing)
        async with self._requests.ask("POST", f"{url}/v1/files", headers, begin) as answer:
            return _standing(urljoin(url, answer.head.headers.get("location", "")), answer.head, source)

    async def _send(self, standing: Standing, source: Source, on_progress: Progress) -> Standing:
        while standing.offset < source.size:
            offset = standing.offset
            end = min(source.size, offset + REQUEST_BYTES)
            headers = {
                **TUS,
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            }

            def read(offset: int = offset, end: int = end) -> AsyncIterator[bytes]:
                return source.chunks(offset, end, on_progress)

            try:
                async with self._requests.ask(
                    "PATCH", standing.address, headers, Content(end - offset, read)
                ) as answer:
                    standing = _standing(standing.address, answer.head, source)
            except ChatError as error:
                # Another offset: the next HEAD tells it. Gone: it begins anew.
                if error.name in ("conflict", "not_found"):
                    raise ConnectionLost(error.name) from error
                raise
        return standing

    def _forget(self, key: str) -> None:
        if self._records.pop(key, None) is not None and not self._is_closed:
            self._storage.note([Record(TABLE, key, None)])


def _standing(address: str, head: Head, source: Source) -> Standing:
    offset = head.number("upload-offset")
    if offset is None:
        raise ConnectionLost("not an answer of tus")
    return Standing(address, min(offset, source.size), head.headers.get("chatd-file") == "ready")


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
