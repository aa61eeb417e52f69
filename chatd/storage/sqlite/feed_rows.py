"""The `FeedStore` on SQLite: the rows that commits add to the event feed, and its pages."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from chatd.core.bots import Bot
from chatd.core.event_feed import StoredEntry
from chatd.protocol.codec import encode
from chatd.storage.feeds import FeedStore
from chatd.storage.sqlite import bots, event_feed
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.views import FeedBounds, FeedPage, FeedQuery

ADD_ROW = "INSERT INTO event_feed (stamp, time, count, bytes, entries) VALUES (?, ?, ?, ?, ?)"
SUMS = "SELECT count, bytes FROM event_feed WHERE stamp = (SELECT max(stamp) FROM event_feed)"


@dataclass(slots=True, frozen=True)
class FeedRow:
    """The entries of one commit. `time`: Unix milliseconds."""

    time: int
    entries: Sequence[StoredEntry]


class FeedRows(FeedStore):
    """The feed of one store. It keeps the sums, because to look them up costs as much as to add a row."""

    def __init__(self, read_pool: ReadPool, epoch: str) -> None:
        self._read_pool = read_pool
        self._epoch = epoch
        # Of count and bytes, up to the last row; None when they have to be looked up.
        self._sums: tuple[int, int] | None = None
        self._next = (0, 0)

    def add(self, connection: sqlite3.Connection, rows: Sequence[FeedRow], stamp: int) -> None:
        count, size = self._sums or connection.execute(SUMS).fetchone() or (0, 0)
        self._sums = None
        for row in rows:
            packed = encode(row.entries)
            self._next = (count + len(row.entries), size + len(packed))
            connection.execute(ADD_ROW, (stamp, row.time, *self._next, packed))

    def on_commit(self) -> None:
        """Note that the commit of the row is made."""
        self._sums = self._next

    async def page(self, query: FeedQuery) -> FeedPage:
        return await self._read_pool.run(timed, event_feed.feed_page, self._epoch, query)

    async def bounds(self) -> FeedBounds:
        return await self._read_pool.run(event_feed.bounds)

    async def expired(self, before_ms: int, bytes_max: int) -> int:
        return await self._read_pool.run(event_feed.expired, before_ms, bytes_max)

    async def bot_page(self, query: FeedQuery, bot: Bot) -> FeedPage:
        return await self._read_pool.run(timed, partial(bots.page, bot=bot), self._epoch, query)


def timed(
    connection: sqlite3.Connection,
    read: Callable[[sqlite3.Connection, str, FeedQuery], FeedPage],
    epoch: str,
    query: FeedQuery,
) -> FeedPage:
    """Return what `read` returns, with the CPU time of it."""
    began = query.clock()
    page = read(connection, epoch, query)
    return replace(page, cpu_s=query.clock() - began)
