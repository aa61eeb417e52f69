"""The reading side of the event feed: pages for the API, for webhooks and for bots, and waiting for the next entry."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.event_feed import Events
from chatd.protocol.timestamps import rfc3339
from chatd.storage.feeds import FeedStore
from chatd.storage.views import FeedPage, FeedQuery

ENTRIES_MAX = 500
PAGE_BYTES_MAX = 1 << 20
# Of passing entries of other types: then the reader asks again, from where it has come to.
SEARCH_S = 5.0
# Between two looks when a commit had nothing of the types asked for, so that a busy chat is not read commit by commit.
PACE_S = 0.1


class EventFeed:
    """The event feed of one daemon, for all who read it."""

    def __init__(self, store: FeedStore, env: Env) -> None:
        self._store = store
        self._env = env
        # Set at the next commit with entries, and replaced then.
        self._committed = asyncio.Event()
        self._waiting = 0
        self._closed = False

    async def page(
        self,
        after: str = "",
        limit: int = ENTRIES_MAX,
        types: Collection[str] = (),
        *,
        wait_s: float = 0,
        bytes_max: int = PAGE_BYTES_MAX,
    ) -> FeedPage:
        """Return up to `limit` entries of `types` behind the cursor `after`; of all types unless some are given.

        `after`: "" begins with the oldest entry that is kept, LATEST returns an empty page at the end. A page is empty
        at the end of the feed, after `wait_s` seconds without an entry, or when none was found in SEARCH_S.
        Raises Refused("bad_cursor").
        """
        began = self._env.monotonic()
        env = self._env
        query = FeedQuery(after, limit, bytes_max, frozenset(types), env.now_ms(), env.thread_cpu_s)
        self._waiting += 1
        try:
            committed = self._committed
            page = first = await self._store.page(query)
            cpu_s = page.cpu_s
            while not page.entries:
                if not page.at_end:
                    if self._env.monotonic() >= began + max(wait_s, SEARCH_S):
                        break
                elif not await self._is_woken(committed, began + wait_s):
                    break
                committed = self._committed
                query = replace(query, after=page.next, now=self._env.now_ms())
                page = await self._store.page(query)
                cpu_s += page.cpu_s
                if page.at_end and not page.entries:
                    await asyncio.sleep(max(0.0, min(PACE_S, began + wait_s - self._env.monotonic())))
        finally:
            self._waiting -= 1
        return replace(page, after=first.after, cpu_s=cpu_s)

    async def _is_woken(self, committed: asyncio.Event, deadline: float) -> bool:
        """Wait for a commit; return False when there was none in time, or when the daemon stops."""
        left = deadline - self._env.monotonic()
        if left <= 0 or self._closed:
            return False
        try:
            async with asyncio.timeout(left):
                await committed.wait()
        except TimeoutError:
            return False
        return not self._closed

    def on_commit(self, writes: WriteSet) -> None:
        """Wake those who wait when there are new entries. A commit hook."""
        if writes.feed and self._waiting:
            self._wake()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._committed.set()
        self._committed = asyncio.Event()


def events_of(page: FeedPage, now_ms: int) -> Events:
    """Return a page as the host gets it, the same from the API and in a webhook."""
    return Events(timestamp=rfc3339(now_ms), after=page.after, next=page.next, events=page.entries)
