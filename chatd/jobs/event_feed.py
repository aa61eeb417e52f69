"""The upkeep of the event feed: its begin, who came online and went offline, and the end of old entries."""

import asyncio
import logging
from collections.abc import Mapping
from itertools import count

from chatd.config.events import Events
from chatd.core.event_feed import USERS_MAX, BeginFeed, EndFeed, ForgetEntries, NotePresence
from chatd.env import Env
from chatd.jobs.deletion_clock import DeletionClock
from chatd.protocol.errors import ChatError
from chatd.storage.feeds import FeedStore
from chatd.storage.views import FeedBounds
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

# One commit of all who came and went.
GATHER_S = 2.0
# Rounds between two looks for old entries: a minute.
FORGET_EVERY = 30
HOUR_MS = 3_600_000


class FeedUpkeep:
    """The jobs of an event feed that is switched on."""

    def __init__(self, store: FeedStore, env: Env, writer: Writer, events: Events) -> None:
        self._store = store
        self._env = env
        self._writer = writer
        self.reconfigure(events)
        # Of users who came or went since the last round: whether they are online. Who did both is not here.
        self._changed: dict[str, bool] = {}
        self._has_begun = False
        # As they were after the last look.
        self._bounds = FeedBounds(is_on=True)

    def reconfigure(self, events: Events) -> None:
        """Put other bounds in force."""
        self._events = events

    def on_presence(self, user: str, is_online: bool) -> None:
        """Note that a user came online or went offline; what is taken back within a round is not told."""
        if self._changed.pop(user, None) is None:
            self._changed[user] = is_online

    async def begin(self) -> None:
        """Begin the feed, before anybody connects. A failed attempt is logged, and the next round tries again."""
        try:
            await self._writer.submit_and_wait("", BeginFeed())
            self._has_begun = True
        except ChatError as error:
            log.warning("the event feed did not begin: %s", error)

    async def run(self, clock: DeletionClock) -> None:
        """Run rounds until cancelled. What fails is logged, and the next round tries again."""
        for number in count(1):
            await asyncio.sleep(GATHER_S)
            try:
                await self.tell_presence()
                if number % FORGET_EVERY == 0:
                    await self.forget(is_trusted=clock.is_trusted())
            except ChatError as error:
                log.warning("the event feed: %s", error)

    async def tell_presence(self) -> None:
        """Store who came and went since the last round."""
        if not self._has_begun:
            await self.begin()
        while self._has_begun and self._changed:
            some = dict(list(self._changed.items())[:USERS_MAX])
            for user in some:
                del self._changed[user]
            online = [user for user, is_online in some.items() if is_online]
            offline = [user for user, is_online in some.items() if not is_online]
            try:
                await self._writer.submit_and_wait("", NotePresence(online, offline))
            except ChatError:
                for user, is_online in some.items():
                    self.on_presence(user, is_online)
                raise

    async def forget(self, *, is_trusted: bool = True) -> None:
        """Forget entries that are old, or beyond the bytes that are kept, in slices, so that chat goes on.

        `is_trusted`: whether the clock is; else none is old.
        """
        before = self._env.now_ms() - self._events.kept_h * HOUR_MS if is_trusted else 0
        while stamp := await self._store.expired(before, self._events.bytes_max):
            await self._writer.submit_and_wait("", ForgetEntries(stamp))
        self._bounds = await self._store.bounds()

    def gauges(self) -> Mapping[str, float]:
        """Return the size of the feed, and the time of its oldest entry, as they were within the last minute."""
        oldest, newest = self._bounds.oldest, self._bounds.newest
        if oldest is None or newest is None:
            return {"event_feed_bytes": 0, "event_feed_oldest_timestamp_seconds": 0}
        size = newest.bytes - oldest.bytes
        return {"event_feed_bytes": size, "event_feed_oldest_timestamp_seconds": oldest.time / 1000}


async def end_feed(store: FeedStore, writer: Writer) -> None:
    """Drop what an event feed has left that is switched off now. A failed attempt is left to the next start."""
    try:
        if (await store.bounds()).is_on:
            await writer.submit_and_wait("", EndFeed())
        while newest := (await store.bounds()).newest:
            await writer.submit_and_wait("", ForgetEntries(newest.stamp))
    except ChatError as error:
        log.warning("the event feed that was switched off is still there: %s", error)
