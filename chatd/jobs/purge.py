"""The purge of deleted rooms: 30 days after, what was said there goes for good."""

import asyncio
import logging

from chatd.core.erasure_steps import PurgeRoom
from chatd.env import Env
from chatd.jobs.deletion_clock import DeletionClock
from chatd.protocol.errors import ChatError
from chatd.storage.erasing import ErasureStore
from chatd.telemetry.loop_share import LoopShare
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

# Who deleted the wrong room notices it within the month, and its backup is still there.
KEPT_MS = 30 * 86_400_000
ROUND_S = 3600.0
ROOMS_AT_ONCE = 100


class Purge:
    """The rounds in which rooms are looked for that were deleted long ago."""

    def __init__(self, store: ErasureStore, env: Env, writer: Writer, share: LoopShare) -> None:
        self._store = store
        self._env = env
        self._writer = writer
        # Of the time of the writer, so that phones do not notice it.
        self._share = share

    async def run(self, clock: DeletionClock) -> None:
        """Run rounds until cancelled. A failed round is logged, and the next one tries again."""
        while True:
            await asyncio.sleep(ROUND_S)
            try:
                if clock.is_trusted():
                    await self.purge()
            except ChatError as error:
                log.warning("deleted rooms were not purged: %s", error)

    async def purge(self) -> None:
        """Purge all rooms whose time is up, some rows in a commit."""
        before = self._env.now_ms() - KEPT_MS
        while rooms := await self._store.purgeable(before, ROOMS_AT_ONCE):
            for room in rooms:
                began = self._env.monotonic()
                await self._writer.submit_and_wait("", PurgeRoom(room))
                await self._share.rest(self._env.monotonic() - began)
