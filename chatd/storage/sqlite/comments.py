"""Comments on the posts of a channel: messages of its group, found by the index that finds the edits of a message.

Its column `target` has the number of an edited message, or that of a post, negative: so a comment costs one entry of an
index that is there, a message that is none costs nothing, and what removes an event removes the comment.
"""

import sqlite3
from collections.abc import Sequence

from chatd.core.policy import details_of
from chatd.protocol.limits import COMMENTS_COUNTED_MAX
from chatd.storage.comments import CommentViews
from chatd.storage.sqlite.history import SCANNED_MAX, Cut, Span, page_of
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.views import MessagePage

OLDEST = """
SELECT position & 0xffffffff, blob FROM events INDEXED BY events_edits
WHERE position >> 32 = ? AND target = ? AND position BETWEEN ? AND ? ORDER BY position LIMIT ?
"""
NEWEST = OLDEST.replace("ORDER BY position", "ORDER BY position DESC")
DETAILS = "SELECT details FROM rooms WHERE number = ?"
NUMBER = "SELECT number FROM rooms WHERE name = ?"
COUNT = """
SELECT count(*) FROM
(SELECT 1 FROM events INDEXED BY events_edits WHERE position >> 32 = ? AND target = ? LIMIT ?)
"""


class CommentReads(CommentViews):
    """The part of the store on SQLite."""

    _read_pool: ReadPool

    async def comments(
        self, room: int, post: int, bounds: tuple[int, int], limit: int, page_bytes: int, *, newest: bool
    ) -> MessagePage:
        return await self._read_pool.run(comments, Span(room, *bounds), post, Cut(limit, page_bytes), newest)

    async def comment_counts(self, channel: int, posts: Sequence[int]) -> dict[int, int]:
        return await self._read_pool.run(counts, channel, posts)


def comments(connection: sqlite3.Connection, span: Span, post: int, cut: Cut, newest: bool) -> MessagePage:
    wanted = (span.room, -post, *span.positions, SCANNED_MAX)
    return page_of(connection.execute(NEWEST if newest else OLDEST, wanted), span, cut, newest)


def counts(connection: sqlite3.Connection, channel: int, posts: Sequence[int]) -> dict[int, int]:
    (details,) = connection.execute(DETAILS, (channel,)).fetchone()
    group = connection.execute(NUMBER, (details_of(details).comments,)).fetchone()
    if group is None:
        return {}
    asked = {post: (*group, -post, COMMENTS_COUNTED_MAX) for post in posts}
    found = {post: connection.execute(COUNT, values).fetchone()[0] for post, values in asked.items()}
    return {post: count for post, count in found.items() if count}
