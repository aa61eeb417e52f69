"""The messages that an unread number counts, the rooms of which a badge is the sum, the digest of a list of rooms.

Every function runs inside a read transaction of the connection.
"""

import sqlite3
from operator import attrgetter

from chatd.core.inbox_digest import ListedRoom, inbox_digest
from chatd.core.push_preferences import PREFERENCES
from chatd.core.sync_query import BadgeRule
from chatd.protocol.inbox import CountingRoom, Why
from chatd.protocol.preferences import preferences_of
from chatd.protocol.push import PushPreferences
from chatd.storage.inbox import BadgePage, UnreadPage
from chatd.storage.sqlite import push
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.room_rows import UNREAD, all_room_rows
from chatd.storage.sqlite.rows import SEPARATOR

MEMBER = f"""
SELECT m.read, {UNREAD}, m.mentions, r.ordinal, r.seq
FROM rooms r JOIN members m ON m.room = r.number AND m.user = :user
WHERE r.number = :room AND m.gone IS NULL
"""  # noqa: S608 - put together from constants

# `unread_counts.count` event by event; tests/contracts/test_store_inbox.py holds the sums equal.
UNREAD_EVENTS = """
SELECT position & 0xffffffff, mentions = '*' OR coalesce(instr(mentions, :mark), 0)
FROM events
WHERE position > :room << 32 | :low AND position <= :room << 32 | :high
  AND ordinal IS NOT NULL AND user <> :user AND NOT coalesce(instr(ignored, :mark), 0)
ORDER BY position LIMIT :limit
"""

PREFERENCES_OF = "SELECT body FROM account_rows WHERE user = ? AND name = ? AND body IS NOT NULL"

COUNTING = f"""
SELECT r.number, r.name, {push.SHARE} AS share, {UNREAD}, m.mentions {push.COUNTED}
  AND r.number > :after AND share > 0
ORDER BY r.number LIMIT :limit
"""

ROOMS_MAX = 1 << 31
# Of a RoomRow, as ListedRoom has them.
NUMBERS = attrgetter("name", "seq", "ordinal", "read", "unread", "mentions", "first_visible", "muted_until")


class InboxReads:
    """The part of a store behind the numbers of a list."""

    _read_pool: ReadPool

    async def unread_messages(self, room: int, user: str, after: int, limit: int) -> UnreadPage | None:
        return await self._read_pool.run(unread_messages, room, user, after, limit)

    async def counting_rooms(self, user: str, rule: BadgeRule, after: int, limit: int) -> BadgePage:
        return await self._read_pool.run(counting_rooms, user, rule, after, limit)

    async def inbox_digest(self, user: str, *, everything: bool) -> tuple[int, int]:
        return await self._read_pool.run(digest, user, everything)


def unread_messages(
    connection: sqlite3.Connection, room: int, user: str, after: int, limit: int
) -> UnreadPage | None:
    row = connection.execute(MEMBER, {"room": room, "user": user}).fetchone()
    if row is None:
        return None
    read, unread, count, ordinal, seq = row
    wanted = {"room": room, "user": user, "low": max(read, after), "high": seq, "limit": limit + 1}
    found = connection.execute(UNREAD_EVENTS, {**wanted, "mark": f"{SEPARATOR}{user}{SEPARATOR}"}).fetchall()
    shown = found[:limit]
    seqs, named = [one for one, _ in shown], [one for one, is_named in shown if is_named]
    return UnreadPage(read, unread, count, ordinal, seqs, named, len(found) <= limit)


def counting_rooms(
    connection: sqlite3.Connection, user: str, rule: BadgeRule, after: int, limit: int
) -> BadgePage:
    body = connection.execute(PREFERENCES_OF, (user, PREFERENCES)).fetchone()
    chosen = preferences_of(body[0]).push if body else PushPreferences()
    wanted = {
        "user": user, "messages": chosen.messages, "groups": chosen.groups, "now": rule.now_ms,
        "members_all": rule.members_all, "after": after, "limit": limit + 1,
    }  # fmt: skip
    found = connection.execute(COUNTING, wanted).fetchall()
    rooms = []
    for _, name, share, unread, mentions in found[:limit]:
        why: Why = "unread" if share == unread else "mention" if share == mentions else "mark"
        rooms.append(CountingRoom(name, share, why))
    badge = push.badges(connection, [user], rule.now_ms, rule.members_all)[user]
    return BadgePage(badge, rooms, found[limit - 1][0] if len(found) > limit else 0)


def digest(connection: sqlite3.Connection, user: str, everything: bool) -> tuple[int, int]:
    rows = all_room_rows(connection, {"user": user, "everything": int(everything), "requests": 0}, ROOMS_MAX)
    listed = [ListedRoom(*NUMBERS(row)) for row in rows]
    return len(listed), inbox_digest(listed)
