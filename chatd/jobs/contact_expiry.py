"""The end of friend requests, and of the quiet times after them (protocol.md "Friendship"), where people are switched
on.
"""

import asyncio
import logging

from chatd.core.friends import ExpireContacts
from chatd.env import Env
from chatd.protocol.errors import ChatError
from chatd.storage.interface import JobStore
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

# They last for days: nobody sees a minute.
ROUND_S = 60.0
# Contacts in a commit, each with the other of its pair: some milliseconds.
EXPIRED_AT_ONCE = 200


class ContactExpiry:
    """The rounds in which contacts are looked for whose time is up."""

    def __init__(self, store: JobStore, env: Env, writer: Writer) -> None:
        self._store = store
        self._env = env
        self._writer = writer

    async def run(self) -> None:
        """Run rounds until cancelled. A failed round is logged, and the next one tries again."""
        while True:
            await asyncio.sleep(ROUND_S)
            try:
                await self.expire()
            except ChatError as error:
                log.warning("friend requests did not expire: %s", error)

    async def expire(self) -> None:
        """End what has run out, in slices, so that chat goes on between them."""
        while due := await self._store.due_contacts(self._env.now_ms(), EXPIRED_AT_ONCE):
            await self._writer.submit_and_wait("", ExpireContacts(tuple(due)))
