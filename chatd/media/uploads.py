"""Uploads as they come: one request each, continued where they broke off.

The newest request of an upload wins: a phone that changed its network does not wait for the connection that it lost,
so an older request is ended, and what it brought is kept, before a newer one is looked at.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from chatd.core.files import File
from chatd.core.uploads import UPLOAD_KEPT_MS
from chatd.env import Env
from chatd.media.disk import NO_SPACE, Disk
from chatd.media.engines.local import in_pool
from chatd.media.engines.objects import Objects
from chatd.media.finishing import NOBODY, Finishing
from chatd.media.http.messages import RequestBody
from chatd.media.incoming import Incoming, Progress
from chatd.media.interface import Continue, Daemon
from chatd.media.live import BadPage, LiveNotes
from chatd.media.tus import Part, State
from chatd.media.writing import Destination, Writing
from chatd.protocol.errors import Refused, Unavailable
from chatd.storage.media import UploadReads

# How long the last request of an upload waits for its inspection.
READY_S = 20.0
# Between two notes that an upload goes on.
CONTINUE_MS = 600_000
# Until a bucket works again.
RESUME_AGAIN_S = 5.0
FULL_RETRY_MS = 60_000

log = logging.getLogger(__name__)


class OffsetConflict(Refused):
    """An append begins somewhere else than the upload ends. `offset`: where that is."""

    def __init__(self, offset: int) -> None:
        super().__init__("conflict", "the upload does not end there", field="Upload-Offset")
        self.offset = offset


class Discarded(Exception):
    """The disk failed, so the bytes that came are not believed: the upload begins anew."""


@dataclass(slots=True, eq=False)
class _Upload:
    """An upload that requests are about now. `body`: of the newest. `finishing`: its inspection."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    requests: int = 0
    body: RequestBody | None = None
    finishing: asyncio.Task[str] | None = None


@dataclass(slots=True, frozen=True)
class Parts:
    """The parts that uploads are made of. `directory`: of all files. `min_free_bytes`: kept for the rest."""

    directory: Path
    disk: Disk
    pool: Executor
    objects: Objects
    daemon: Daemon
    reads: UploadReads
    env: Env
    min_free_bytes: int


class Uploads:
    """The uploads of one process: `look`, `append`, `end`, `resume`, `close`. Rows are as of now.

    `live`: the notes among them that are heard while they are spoken.
    """

    def __init__(self, parts: Parts, finishing: Finishing, live: LiveNotes) -> None:
        self._parts = parts
        self._live = live
        self._pool = parts.pool
        self._incoming = Incoming(parts.directory, parts.disk)
        self._finishing = finishing
        self._destination = Destination(self._incoming, parts.disk, parts.pool, finishing.digests, parts.env)
        self._uploads: dict[str, _Upload] = {}

    async def look(self, row: File) -> State:
        """Return where an upload stands. Raises Refused for one that is not wanted, Discarded."""
        if row.state != "uploading":
            return ended(row)
        async with self._held(row.file, None) as upload:
            progress = await self._progress(row)
            if isinstance(progress, State):
                return progress
            if progress.offset == progress.length:
                self._start(row, progress.offset, upload)
                return State(progress.offset, progress.length, "inspecting")
            return State(progress.offset, progress.length, "", row.due_at)

    async def append(self, row: File, part: Part, body: RequestBody) -> State:
        """Append the bytes of a request; with the last one return when the file is ready, or takes long.

        Raises Refused, also for what is not wanted, Unavailable, Discarded.
        """
        if row.state != "uploading":
            return at(part.offset, ended(row))
        async with self._held(row.file, body) as upload:
            progress = await self._progress(row)
            if isinstance(progress, State):
                return at(part.offset, progress)
            if part.offset != progress.offset:
                raise OffsetConflict(progress.offset)
            if progress.offset != progress.length:
                progress = await self._receive(row, announced(row, progress, part), part, body)
            if progress.offset != progress.length:
                return State(progress.offset, progress.length, "", row.due_at)
            task = self._start(row, progress.offset, upload)
        await asyncio.wait({task}, timeout=0 if self._finishing.is_full else READY_S)
        if not task.done():
            return State(progress.offset, progress.length, "inspecting")
        if code := self._outcome(task):
            raise Refused(code, "this file is not wanted")
        return State(progress.offset, progress.length, "ready")

    async def end(self, file: str) -> None:
        """End what is under way of an upload that its owner, or the daemon, gave up, and delete its bytes."""
        async with self._held(file, None) as upload:
            self._live.end(file, "cancelled")
            if upload.finishing is not None:
                upload.finishing.cancel()
                await asyncio.wait({upload.finishing})
            await self._finishing.delete(file)

    async def resume(self) -> None:
        """Go on with what a process before this one left: inspect what is whole, delete what has no row."""
        for file in await in_pool(self._pool, self._incoming.files):
            await self._resume(file)

    async def _resume(self, file: str) -> None:
        """Go on with one upload, as soon as the objects can be asked."""
        while True:
            row = (await self._parts.reads.upload(NOBODY, file)).file
            try:
                await (self.end(file) if row is None or row.state != "uploading" else self.look(row))
                return
            except OSError as error:
                # The others go on.
                log.error("what a process before this one left of an upload stays: %s", error)
                return
            except Unavailable as problem:
                log.warning("an upload waits: %s", problem)
            await asyncio.sleep(RESUME_AGAIN_S)

    async def close(self) -> None:
        """Stop what is being inspected; the next process begins it again."""
        tasks = [one.finishing for one in self._uploads.values() if one.finishing is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def check_space(self, more: int) -> None:
        """Raise Unavailable where so many bytes more would leave too little of the disk for messages."""
        try:
            free = await in_pool(self._pool, self._parts.disk.free_bytes, self._parts.directory)
        except OSError as error:
            log.error("the disk does not say what is free: %s", error)
            raise full() from error
        if free - more < self._parts.min_free_bytes:
            raise full()

    @asynccontextmanager
    async def _held(self, file: str, body: RequestBody | None) -> AsyncIterator[_Upload]:
        """Have an upload for one request, which ends the one before."""
        upload = self._uploads.setdefault(file, _Upload())
        if upload.body is not None:
            upload.body.end()
        upload.body = body
        upload.requests += 1
        try:
            async with upload.lock:
                yield upload
        finally:
            upload.requests -= 1
            if upload.body is body:
                upload.body = None
            self._leave(file, upload)

    def _leave(self, file: str, upload: _Upload) -> None:
        if not upload.requests and (upload.finishing is None or upload.finishing.done()):
            self._uploads.pop(file, None)

    async def _progress(self, row: File) -> Progress | State:
        """Return how far an upload came, and its length where that is known; its state where it has ended by now."""
        file, incoming = row.file, self._incoming
        progress = await in_pool(self._pool, incoming.progress, file)
        length = row.length if progress.length is None else progress.length
        if progress.offset != length and await in_pool(self._pool, incoming.size, file) is None:
            now = (await self._parts.reads.upload(NOBODY, file)).file
            if now is None or now.state != "uploading":
                return ended(now)
            if await in_pool(self._pool, incoming.was_taken, file):
                # A crash after it was stored, before its row said so.
                size = await self._parts.objects.size(file)
                if size is not None:
                    return Progress(size, size, progress.attempts)
        return replace(progress, length=length)

    async def _receive(self, row: File, progress: Progress, part: Part, body: RequestBody) -> Progress:
        """Write the bytes of a request; return how far the upload came, which is on the disk."""
        limit = row.charged if progress.length is None else progress.length
        if body.length is not None and progress.offset + body.length > limit:
            raise Refused("too_large", "more than was announced", field="Content-Length")
        await self.check_space(limit - progress.offset)
        now = (await self._parts.reads.upload(NOBODY, row.file)).file
        if now is None or now.state != "uploading":
            # It was dropped while this request waited: nobody would delete what came now.
            raise Refused("not_found", "no such upload")
        self._continue(row)
        path = self._incoming.path(row.file)
        try:
            descriptor = await in_pool(self._pool, self._parts.disk.open, path, make=True)
        except OSError as error:
            raise failed(error) from error
        note = self._live.of(row)
        pass_on = None if note is None else partial(self._live.read_on, note)
        try:
            writing = Writing(self._destination, row.file, descriptor, progress, limit, pass_on)
            return await (
                writing.take(body) if part.digest is None else writing.take_checked(body, part.digest)
            )
        except OSError as error:
            if error.errno in NO_SPACE:
                raise failed(error) from error
            log.error("an upload is begun anew: %s", error)
            self._live.end(row.file, "cut")
            await in_pool(self._pool, self._incoming.delete, row.file)
            raise Discarded from error
        except BadPage as bad:
            log.info("a live note is refused: %s", bad)
            code = await self._finishing.refuse(row.file, "unreadable")
            raise Refused(code, "this is no live note") from bad
        finally:
            await in_pool(self._pool, self._parts.disk.close, descriptor)

    def _continue(self, row: File) -> None:
        """Say that an upload goes on, unless that was said a moment ago."""
        if row.due_at - self._parts.env.now_ms() < UPLOAD_KEPT_MS - CONTINUE_MS:
            self._parts.daemon.tell(Continue(row.file))

    def _start(self, row: File, length: int, upload: _Upload) -> asyncio.Task[str]:
        """Begin to make a file of a whole upload, once."""
        self._live.end(row.file, "done")
        if upload.finishing is None or upload.finishing.done():
            task = upload.finishing = asyncio.create_task(
                self._finishing.finish(row, length), name="finish a file"
            )
            task.add_done_callback(lambda task: self._finished(row.file, upload, task))
        return upload.finishing

    def _finished(self, file: str, upload: _Upload, task: asyncio.Task[str]) -> None:
        self._leave(file, upload)
        if not task.cancelled() and (error := task.exception()):
            log.error("a file was not stored: %s", error)

    def _outcome(self, task: asyncio.Task[str]) -> str:
        try:
            return task.result()
        except OSError as error:
            raise failed(error) from error
        except asyncio.CancelledError:
            raise Unavailable("overloaded", "it stops") from None


def announced(row: File, progress: Progress, part: Part) -> Progress:
    """Return the progress with the length that a request announces. Raises Refused."""
    if part.length is None:
        return progress
    if progress.length not in (None, part.length):
        raise Refused("bad_request", "another length was announced", field="Upload-Length")
    if not progress.offset <= part.length <= row.charged:
        raise Refused("too_large", f"not more than {row.charged} bytes were begun", field="Upload-Length")
    return replace(progress, length=part.length)


def at(offset: int, state: State) -> State:
    """Return the state of a file for an append at this offset. Raises OffsetConflict."""
    if offset != state.offset:
        raise OffsetConflict(state.offset)
    return state


def ended(row: File | None) -> State:
    """Return the state of what is no upload any more. Raises Refused for what was not wanted."""
    if row is not None and row.state == "refused":
        raise Refused(row.code, "this file is not wanted")
    if row is None or row.state != "ready":
        raise Refused("not_found", "no such upload")
    return State(row.length or 0, row.length, "ready")


def full() -> Unavailable:
    return Unavailable("overloaded", "the disk is full", retry_after=FULL_RETRY_MS)


def failed(error: OSError) -> Exception:
    """Return what a client is told when the disk fails."""
    return full() if error.errno in NO_SPACE else Discarded(str(error))
