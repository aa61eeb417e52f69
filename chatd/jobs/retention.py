"""Retention: messages that are older than they are kept go, and the space they took goes back to the disk."""

import asyncio
import logging

from chatd.config.model import Storage
from chatd.env import Env
from chatd.jobs.deletion_clock import DeletionClock
from chatd.protocol.errors import ChatError
from chatd.storage.erasing import ErasureStore
from chatd.telemetry.loop_share import LoopShare
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

# The shortest time that messages are kept is an hour.
ROUND_S = 120.0
# Rooms that one read looks at, some milliseconds.
ROOMS_AT_ONCE = 200
# Pages that are freed between two commits: 4 ms, at most 20.
PAGES_AT_ONCE = 50


class Retention:
    """The rounds in which old messages are looked for."""

    def __init__(self, store: ErasureStore, env: Env, writer: Writer, share: LoopShare) -> None:
        self._store = store
        self._env = env
        self._writer = writer
        # Of the time of the writer, so that phones do not notice it.
        self._share = share
        self._server_s = 0

    def reconfigure(self, storage: Storage) -> None:
        """Put other settings in force from the next room on."""
        self._server_s = storage.retain_s

    async def run(self, clock: DeletionClock) -> None:
        """Run rounds until cancelled. A failed round is logged, and the next one tries again."""
        while True:
            await asyncio.sleep(ROUND_S)
            try:
                if clock.is_trusted():
                    await self.purge()
            except ChatError as error:
                log.warning("old messages were not purged: %s", error)

    async def purge(self) -> int:
        """Purge all messages that are kept no longer, some in a commit; return the number of commits."""
        commits = after = 0
        while True:
            began = self._env.monotonic()
            page = await self._store.old_messages(self._env.now_ms(), self._server_s, after, ROOMS_AT_ONCE)
            await self._share.rest(self._env.monotonic() - began)
            for old in page.old:
                began = self._env.monotonic()
                await self._writer.submit_and_wait("", old)
                await self._share.rest(self._env.monotonic() - began)
                commits += 1
            # A room with more is found again.
            if not page.old:
                after = page.after
            if not after and not page.old:
                break
        if commits:
            await self.shrink()
        return commits

    async def shrink(self) -> None:
        """Give the space of what was purged back to the disk."""
        has_more = True
        while has_more:
            began = self._env.monotonic()
            has_more = await self._store.free_pages(PAGES_AT_ONCE)
            await self._share.rest(self._env.monotonic() - began)
