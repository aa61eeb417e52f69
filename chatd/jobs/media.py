"""The job that looks at files whose time is up, and has deleted from the disk what nobody uses.

A row says that an object may go before the object goes, and is forgotten after it: whatever is interrupted here is
found again by the next round.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chatd.core.files import CollectFiles
from chatd.env import Env
from chatd.jobs.deletion_clock import DeletionClock
from chatd.protocol.errors import ChatError
from chatd.storage.media import FileRounds
from chatd.writer.writer import Writer

# What nobody uses is gone from the disk within the grace of a download and this.
ROUND_S = 60.0
# Of one decision: a millisecond or two of the one writer.
AT_ONCE = 200
# The state of a file whose row waits until its bytes are gone (core/files.py).
DROPPED = "dropped"

Delete = Callable[[tuple[str, ...], tuple[str, ...]], Awaitable[bool]]
"""Have objects and unfinished uploads deleted, and their rows forgotten; False when that cannot be now."""

log = logging.getLogger(__name__)


class Collector:
    """The job of one daemon."""

    def __init__(self, store: FileRounds, env: Env, writer: Writer, delete: Delete) -> None:
        self._store = store
        self._env = env
        self._writer = writer
        self._delete = delete

    async def run(self, clock: DeletionClock) -> None:
        """Collect until cancelled, while the clock is believed. What fails is tried again by the next round."""
        while True:
            await asyncio.sleep(ROUND_S)
            if clock.is_trusted():
                try:
                    await self.collect()
                except (ChatError, OSError) as error:
                    log.warning("files go on being collected in a minute: %s", error)

    async def collect(self) -> None:
        """Look at all that is due, and have deleted what may be."""
        before: list[tuple[str, str]] = []
        # What stays due, such as a file in thousands of messages, goes on with the next round.
        while (due := await self._store.due_files(self._env.now_ms(), AT_ONCE)) and due != before:
            before = due
            await self._writer.submit_and_wait("", CollectFiles(tuple(file for file, _ in due)))
            dropped = tuple(file for file, state in due if state == DROPPED)
            if dropped and not await self._delete((), dropped):
                break
        while objects := await self._store.free_objects(self._env.now_ms(), AT_ONCE):
            if not await self._delete(objects, ()):
                break
