"""The end of deleted channels: a flag deletes one, and the rows of its followers are marked some in a commit."""

import asyncio
import logging

from chatd.core.channels import RemoveFollowers
from chatd.core.removal import DeletedRoom
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.errors import ChatError
from chatd.storage.channels import ChannelStore
from chatd.telemetry.loop_share import LoopShare
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

# Followers in a commit: some milliseconds.
REMOVED_AT_ONCE = 500
# After a failure of the disk.
AGAIN_S = 60.0


class DeletedChannels:
    """The job that ends what followers have in deleted channels."""

    def __init__(self, store: ChannelStore, env: Env, writer: Writer, share: LoopShare) -> None:
        self._store = store
        self._env = env
        self._writer = writer
        # Of the time of the writer, so that phones do not notice it.
        self._share = share
        self._wake = asyncio.Event()

    def on_commit(self, writes: WriteSet) -> None:
        """Look for deleted channels when a room was deleted. A commit hook."""
        if DeletedRoom in writes.records:
            self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; first on what the last process left."""
        while True:
            try:
                await self.remove()
            except ChatError as error:
                log.warning("followers of deleted channels were not removed: %s", error)
                await asyncio.sleep(AGAIN_S)
                continue
            await self._wake.wait()
            self._wake.clear()

    async def remove(self) -> None:
        """End what followers have in all deleted channels."""
        for name, number in await self._store.deleted():
            last = ""
            while users := await self._store.members_of(number, last, REMOVED_AT_ONCE):
                began, last = self._env.monotonic(), users[-1]
                await self._writer.submit_and_wait("", RemoveFollowers(name, users))
                await self._share.rest(self._env.monotonic() - began)
