"""The bytes of one request of an upload on their way to the disk, and what is known of those before them.

A digest is taken of what is written while it is at hand: reading a file back costs as much as writing it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Protocol

from chatd.env import Env
from chatd.media.disk import NO_SPACE, Disk
from chatd.media.engines.local import in_pool
from chatd.media.http.messages import BodyLost, RequestBody
from chatd.media.incoming import Incoming, Progress
from chatd.protocol.errors import Refused

# What a phone sends again at most when the power fails: so many bytes, or what came in so many seconds.
SYNC_BYTES, SYNC_S = 8 << 20, 10.0
# Written at a time, at least: each write costs two changes of thread. A phone with 13 kB/s fills it in SYNC_S.
LEAST = 128 << 10
# Uploads that are continued without being read back, some 800 B each.
DIGESTS_MAX = 1000


class ChecksumMismatch(Refused):
    def __init__(self) -> None:
        super().__init__("bad_request", "not the bytes that were meant", field="Upload-Checksum")


class Sha256(Protocol):
    """What hashlib.sha256 makes."""

    def update(self, data: bytes | memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


class Digests:
    """The digests of uploads as far as these came, in this process alone. Bounded: the oldest goes."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[int, Sha256]] = OrderedDict()

    def keep(self, file: str, offset: int, state: Sha256) -> None:
        """Keep the state of an upload of which so many bytes are on the disk."""
        self._known[file] = offset, state
        if len(self._known) > DIGESTS_MAX:
            self._known.popitem(last=False)

    def take(self, file: str, offset: int) -> Sha256 | None:
        """Return the state at this offset and forget it; None where only the disk can tell."""
        known, state = self._known.pop(file, (0, None))
        if not offset:
            return hashlib.sha256()
        return state if known == offset else None


@dataclass(slots=True, frozen=True)
class Destination:
    """Where the bytes of uploads go. `digests`: of what is there."""

    incoming: Incoming
    disk: Disk
    pool: Executor
    digests: Digests
    env: Env


class Writing:
    """One request of an upload on its way to the disk. `pass_on`: to those who listen to it, as far as it is there."""

    def __init__(
        self,
        to: Destination,
        file: str,
        descriptor: int,
        progress: Progress,
        limit: int,
        pass_on: Callable[[int], Awaitable[None]] | None,
    ) -> None:
        self._to = to
        self._pass_on = pass_on
        self._file = file
        self._descriptor = descriptor
        self._progress = progress
        self._limit = limit
        self._offset = progress.offset
        self._sha256 = to.digests.take(file, progress.offset)

    async def take(self, body: RequestBody) -> Progress:
        """Write what comes; whatever ends it, what came is kept. Raises Refused, OSError."""
        clock, least = self._to.env.monotonic, LEAST if self._pass_on is None else 1
        synced_at = clock()
        try:
            while piece := await body.read(least):
                await self._write(piece)
                is_due = clock() - synced_at >= SYNC_S or self._pass_on is not None
                if is_due or self._offset - self._progress.offset >= SYNC_BYTES:
                    await self._keep()
                    synced_at = clock()
        except BodyLost:
            pass
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            await self._keep()
            raise
        return await self._end()

    async def take_checked(self, body: RequestBody, digest: tuple[str, bytes]) -> Progress:
        """Write what comes, and keep it when it is what was meant, as a whole. Raises Refused, OSError."""
        name, wanted = digest
        state = hashlib.new(name, usedforsecurity=False)
        try:
            while piece := await body.read(LEAST):
                await self._write(piece)
                await in_pool(self._to.pool, state.update, piece)
        except BodyLost:
            return self._progress
        if state.digest() != wanted:
            raise ChecksumMismatch
        return await self._end()

    async def _write(self, piece: memoryview) -> None:
        if self._offset + len(piece) > self._limit:
            await self._keep()
            raise Refused("too_large", "more than was announced", field="Content-Length")
        await in_pool(self._to.pool, self._write_now, piece)
        self._offset += len(piece)

    def _write_now(self, piece: memoryview) -> None:
        self._to.disk.write(self._descriptor, piece, self._offset)
        if self._sha256 is not None:
            self._sha256.update(piece)

    async def _keep(self) -> None:
        progress = replace(self._progress, offset=self._offset)
        await in_pool(self._to.pool, self._to.incoming.keep, self._file, self._descriptor, progress)
        self._progress = progress
        if self._pass_on is not None:
            await self._pass_on(self._offset)

    async def _end(self) -> Progress:
        """Keep all that was written, and the digest for what goes on there."""
        await self._keep()
        if self._sha256 is not None:
            self._to.digests.keep(self._file, self._offset, self._sha256)
        return self._progress
