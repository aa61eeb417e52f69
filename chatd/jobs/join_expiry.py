"""The end of requests to join, offers and refusals, and of invites (protocol.md "Entering groups")."""

import asyncio
import logging

from chatd.core.invites import ForgetInvites
from chatd.core.joins import DECLINED_MS, WAIT_MS, EndJoins
from chatd.core.read_set import DAY_MS
from chatd.env import Env
from chatd.jobs.deletion_clock import DeletionClock
from chatd.protocol.errors import ChatError
from chatd.storage.joining import JoiningStore
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

# They last for days: nobody sees a minute.
ROUND_S = 60.0
# In a commit, each with a row for its user: some milliseconds.
ENDED_AT_ONCE = 200
# Whoever made an invite may look for a month why it does not work any more.
INVITES_KEPT_MS = 30 * DAY_MS


class JoinExpiry:
    """The rounds in which requests, offers and invites are looked for whose time is up."""

    def __init__(self, store: JoiningStore, env: Env, writer: Writer) -> None:
        self._store = store
        self._env = env
        self._writer = writer

    async def run(self, clock: DeletionClock) -> None:
        """Run rounds until cancelled. A failed round is logged, and the next one tries again."""
        while True:
            await asyncio.sleep(ROUND_S)
            try:
                if clock.is_trusted():
                    await self.expire()
            except ChatError as error:
                log.warning("requests to join and invites did not expire: %s", error)

    async def expire(self) -> None:
        """End what has run out, in slices, so that chat goes on between them."""
        now = self._env.now_ms()
        while ended := await self._store.ended(now - WAIT_MS, now - DECLINED_MS, ENDED_AT_ONCE):
            await self._writer.submit_and_wait("", EndJoins(ended))
        if await self._store.first_end() < now - INVITES_KEPT_MS:
            await self._writer.submit_and_wait("", ForgetInvites(now - INVITES_KEPT_MS))
