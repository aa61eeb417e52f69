"""Whole uploads become files: inspected, stored as objects, then said to the daemon.

Objects are durable before the daemon is asked to store their rows, so a row never names bytes that a power cut may
take. What a crash leaves half done is done again at the next start, from the upload, which goes last.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

from chatd.core.files import SUFFIXES, File, NewObject
from chatd.media.disk import NO_SPACE
from chatd.media.engines.local import in_pool
from chatd.media.engines.objects import Objects
from chatd.media.incoming import Incoming, Progress
from chatd.media.inspection import Descriptors, Found, Refusal
from chatd.media.interface import Daemon, Finish, Refuse
from chatd.media.writing import Digests
from chatd.protocol.errors import Refused, Unavailable
from chatd.protocol.media import SCHEME, FileKind, Purpose
from chatd.protocol.messages import Attachment
from chatd.storage.media import Asker, UploadReads

# Whatever a file does to this process, it does not do it for ever.
ATTEMPTS_MAX = 2
# Until the daemon, or a process that inspects, may work again.
RETRY_MIN_S, RETRY_MAX_S = 0.5, 30.0
NOBODY = Asker("")

T = TypeVar("T")

log = logging.getLogger(__name__)


class Inspector(Protocol):
    """What opens uploads (media/inspectors.py)."""

    @property
    def is_full(self) -> bool: ...

    async def inspect(
        self, kind: FileKind, purpose: Purpose, opened: Callable[[], AbstractContextManager[Descriptors]]
    ) -> Found | Refusal: ...


class Made(NamedTuple):
    """A file that is stored, as the daemon is to hear of it."""

    facts: Attachment
    stored: tuple[NewObject, ...]
    source: bytes


class Finishing:
    """Makes files of whole uploads: `finish`. `counters`: files by what became of them. `digests`: of uploads."""

    def __init__(
        self,
        incoming: Incoming,
        objects: Objects,
        pool: Executor,
        daemon: Daemon,
        reads: UploadReads,
        inspector: Inspector,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self.digests = Digests()
        self._incoming = incoming
        self._objects = objects
        self._pool = pool
        self._daemon = daemon
        self._reads = reads
        self._inspector = inspector

    @property
    def is_full(self) -> bool:
        """Whether so many wait that a client should not."""
        return self._inspector.is_full

    async def finish(self, row: File, length: int) -> str:
        """Return the code that a whole upload is refused with, "" when it is ready.

        Raises OSError; where the disk failed the upload is gone, for what it said once is not believed twice.
        """
        try:
            made = await self._tried(lambda: self._made(row, length))
            code = await self._tried(lambda: self._said(row, length, made))
        except OSError as error:
            if error.errno not in NO_SPACE:
                await self.delete(row.file)
            raise
        self.counters["refused" if code else "ready"] += 1
        return code

    async def _tried(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of what is done again as long as the daemon, or what inspects, does not work."""
        pause_s = RETRY_MIN_S
        while True:
            try:
                return await work()
            except Unavailable as problem:
                log.warning("an upload waits: %s", problem)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)

    async def _made(self, row: File, length: int) -> Made | str:
        """Store the objects of a file; return the code that it is refused with."""
        if not length:
            # No request brought a byte of it.
            await in_pool(self._pool, self._incoming.make, row.file)
        return await (self._kept(row, length) if row.kind == "file" else self._inspected(row, length))

    async def _said(self, row: File, length: int, made: Made | str) -> str:
        """Have the daemon store what became of a file; return the code that it is refused with, "" for none."""
        if isinstance(made, str):
            return await self.refuse(row.file, made)
        try:
            await self._daemon.ask(
                Finish(
                    id=0,
                    file=row.file,
                    facts=made.facts,
                    stored=made.stored,
                    source=made.source,
                    length=length,
                )
            )
        except Refused as refusal:
            return await self.refuse(row.file, refusal.code)
        now = (await self._reads.upload(NOBODY, row.file)).file
        if now is None or now.state != "ready":
            await self.delete(row.file)
            return now.code if now is not None and now.code else "not_found"
        await in_pool(self._pool, self._incoming.tidy, row.file)
        return ""

    async def _kept(self, row: File, length: int) -> Made:
        """Store an upload as it is."""
        known = self.digests.take(row.file, length)
        digest = b"" if known is None else known.digest()
        if await in_pool(self._pool, self._incoming.size, row.file) is not None:
            await self._objects.put(row.file, self._incoming.path(row.file), digest)
        digest = digest or await self._objects.digest(row.file)
        stored = NewObject("full", row.file, row.facts.mime, length, digest)
        return Made(Attachment(SCHEME, row.facts.mime, kind=row.kind), (stored,), digest)

    async def _inspected(self, row: File, length: int) -> Made | str:
        """Store what is made of an upload; return the code that it is refused with."""
        file, incoming = row.file, self._incoming
        attempts = (await in_pool(self._pool, incoming.progress, file)).attempts
        if attempts >= ATTEMPTS_MAX:
            log.error("an upload that ended this process %d times is refused", attempts)
            return "unreadable"
        await in_pool(self._pool, incoming.note, file, Progress(length, length, attempts + 1))
        try:
            found = await self._inspector.inspect(row.kind, row.purpose, lambda: incoming.opened(file))
        finally:
            # The process lives.
            await in_pool(self._pool, incoming.note, file, Progress(length, length, attempts))
        if isinstance(found, Refusal):
            log.info("a %s is refused: %s, %s", row.kind, found.code, found.reason)
            return found.code
        known = self.digests.take(file, length)
        source = known.digest() if known else await in_pool(self._pool, incoming.digest, file)
        stored = []
        for one in found.written:
            path, name = incoming.rendition(file, one.variant), file + SUFFIXES[one.variant]
            await self._objects.put(name, path)
            size, digest = await self._objects.size(name), await self._objects.digest(name)
            stored.append(NewObject(one.variant, name, one.mime, size or 0, digest))
        return Made(found.facts, tuple(stored), source)

    async def refuse(self, file: str, code: str) -> str:
        """Tell the daemon that a file is not wanted, and delete it; return the code."""
        try:
            await self._daemon.ask(Refuse(0, file, code))
        except Refused as refusal:
            # It was dropped meanwhile.
            code = refusal.code
        await self.delete(file)
        return code

    async def delete(self, file: str) -> None:
        """Delete what there is of a file that never was ready, or is not there any more. Raises OSError."""
        await in_pool(self._pool, self._incoming.delete, file)
        names = [file + suffix for suffix in SUFFIXES.values()]
        unknown = await self._reads.unknown_objects(names)
        if left := [name for name in unknown if await self._objects.size(name) is not None]:
            await self._objects.delete(left)
