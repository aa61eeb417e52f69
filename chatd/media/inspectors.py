"""The processes that open what users upload, one file at a time each."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

from chatd.config.media import Media
from chatd.media.inspect.jobs import inspected
from chatd.media.inspection import Descriptors, Found, Job, Library, Refusal
from chatd.protocol.media import FileKind, Purpose

WAITING_MAX = 200  # files; beyond, a client is told at once that its file waits


class Inspectors:
    """Inspects files: `start`, `inspect`, `close`."""

    def __init__(self, media: Media) -> None:
        self.missing: tuple[str, ...] = ()
        self.libraries: tuple[Library, ...] = ()
        self.waiting = 0
        self._media = media
        self._turns = asyncio.Semaphore(1)

    @property
    def is_full(self) -> bool:
        return self.waiting >= WAITING_MAX

    async def start(self) -> None:
        """Start them."""

    async def close(self) -> None:
        """End them."""

    async def inspect(
        self,
        kind: FileKind,
        purpose: Purpose,
        opened: Callable[[], AbstractContextManager[Descriptors]],
    ) -> Found | Refusal:
        """Return what a file is, when all its renditions are written; not synced.

        `opened`: opens the upload and three empty files when its turn has come, and again when it is tried again. Never
        for the kind `file`, which is kept as it is.
        """
        job = Job(kind, purpose, self._media.picture_mpx * 1_000_000, self._media.voice_ms, 10)
        self.waiting += 1
        try:
            async with self._turns:
                with opened() as descriptors:
                    return await asyncio.to_thread(inspected, job, descriptors)
        finally:
            self.waiting -= 1
