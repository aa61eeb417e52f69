"""The reads about the members of one room: lists, readers, and what some of them wrote lately.

Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from chatd.protocol.members import MemberFilter, MemberRow
from chatd.protocol.read_state import Reader
from chatd.storage.sqlite import read_set
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.rows import member_row_of, position

# User ids are ASCII: a prefix with this behind it sorts above every id with the prefix.
AFTER_USERS = "\x7f"


class ReaderPage(NamedTuple):
    """A page of the readers of an event. `unread`: of those who have not read it. `unseen`: members to leave out."""

    after: str
    limit: int
    unseen: Collection[str]
    unread: bool


class MemberPage(NamedTuple):
    """A page of the members of a room: those behind the user id `after` whose id begins with `prefix`."""

    after: str
    prefix: str
    role: MemberFilter | None
    limit: int


# By the part of the members that a list shows: where its rows come from, and which. Without its name the planner takes
# no partial index, and walks a million followers of a channel.
_WHICH = {
    "all": ("members m", "m.gone IS NULL AND m.role = coalesce(:role, m.role)"),
    "staff": (
        "members m INDEXED BY members_staff",
        "m.gone IS NULL AND m.role <> 'member' AND m.role = coalesce(:role, m.role)",
    ),
}
MEMBERS = {
    which: f"""
    SELECT m.user, m.role, m.joined_at, m.extras
    FROM {source}
    WHERE m.room = :room AND m.user > :after AND m.user >= :prefix AND m.user < :end AND {condition}
    ORDER BY m.user LIMIT :limit
    """  # noqa: S608 - put together from constants
    for which, (source, condition) in _WHICH.items()
}
NAMED_MEMBERS = """
SELECT m.user, m.role, m.joined_at, m.extras
FROM json_each(:users) o JOIN members m ON m.room = :room AND m.user = o.value AND m.gone IS NULL
ORDER BY m.user
"""

BANNED = """
SELECT user, role, joined_at, extras FROM members INDEXED BY members_banned
WHERE room = ? AND gone = 'banned' ORDER BY user
"""
MEMBER_COUNT = "SELECT members FROM rooms WHERE number = ?"
BANNED_COUNT = """
SELECT count(*) FROM members INDEXED BY members_banned WHERE room = ? AND gone = 'banned'
"""

# Of the members who were there when an event came, and whose receipts are shown: newcomers may see it, too, and have
# neither read it nor not.
_WITNESSES = """
FROM members m LEFT JOIN users u ON u.user = m.user
WHERE m.room = :room AND (m.first_visible <= :seq OR m.extras <> x'')
  AND m.joined_at <= coalesce((SELECT time FROM events WHERE position = :position), 1 << 53)
  AND m.gone IS NULL AND coalesce(u.receipts, 1) AND m.user NOT IN (SELECT value FROM json_each(:unseen))
"""
_READ = "m.read >= :seq"
_UNREAD = "m.read < :seq AND m.user IS NOT (SELECT user FROM events WHERE position = :position)"
READERS, NON_READERS = (
    f"SELECT m.user, m.read {_WITNESSES} AND {which} AND m.user > :after ORDER BY m.user LIMIT :limit"
    for which in (_READ, _UNREAD)
)
READER_COUNT, NON_READER_COUNT = (f"SELECT count(*) {_WITNESSES} AND {which}" for which in (_READ, _UNREAD))


class MemberReads:
    """The base of `SqliteStore` with these reads."""

    _read_pool: ReadPool

    async def recent_messages(
        self, room: int, users: Collection[str], since_ms: int, limit: int
    ) -> list[tuple[str, int]]:
        return await self._read_pool.run(read_set.recent_messages, room, users, since_ms, limit)

    async def members(
        self, room: int, *, after: str, prefix: str, role: MemberFilter | None, limit: int, now_ms: int
    ) -> tuple[list[MemberRow], int]:
        return await self._read_pool.run(members, room, MemberPage(after, prefix, role, limit), now_ms)

    async def named_members(self, room: int, users: Collection[str], now_ms: int) -> list[MemberRow]:
        return await self._read_pool.run(named_members, room, users, now_ms)

    async def readers(
        self,
        room: int,
        seq: int,
        *,
        after: str,
        limit: int,
        unseen: Collection[str] = (),
        unread: bool = False,
    ) -> tuple[list[Reader], int]:
        page = ReaderPage(after, limit, unseen, unread)
        return await self._read_pool.run(readers, room, seq, page)


def members(
    connection: sqlite3.Connection, room: int, page: MemberPage, now_ms: int
) -> tuple[list[MemberRow], int]:
    """Return members and their number, or those who are banned."""
    if page.role == "banned":
        held = held_bans(connection, room, now_ms)
        behind = [one for one in held if one.user > page.after and one.user.startswith(page.prefix)]
        return behind[: page.limit], len(held)
    which = "all" if page.role in (None, "member") else "staff"
    wanted = {
        "room": room,
        "after": page.after,
        "prefix": page.prefix,
        "end": page.prefix + AFTER_USERS,
        "role": None if page.role == "staff" else page.role,
        "limit": page.limit,
    }
    rows = [member_row_of(row, now_ms) for row in connection.execute(MEMBERS[which], wanted)]
    count = connection.execute(MEMBER_COUNT, (room,)).fetchone()
    return rows, 0 if count is None else count[0]


def held_bans(connection: sqlite3.Connection, room: int, now_ms: int) -> list[MemberRow]:
    """Return all users who are banned from a room, in order of user id; ends of bans are not in the index."""
    rows = [member_row_of(row, now_ms) for row in connection.execute(BANNED, (room,))]
    return [one for one in rows if not 0 < one.banned_until <= now_ms]


def named_members(
    connection: sqlite3.Connection, room: int, users: Collection[str], now_ms: int
) -> list[MemberRow]:
    wanted = {"room": room, "users": json.dumps(list(users))}
    return [member_row_of(row, now_ms) for row in connection.execute(NAMED_MEMBERS, wanted)]


def readers(
    connection: sqlite3.Connection, room: int, seq: int, page: ReaderPage
) -> tuple[list[Reader], int]:
    wanted = {
        "room": room, "seq": seq, "position": position(room, seq),
        "unseen": json.dumps(list(page.unseen)), "after": page.after, "limit": page.limit,
    }  # fmt: skip
    lists, counts = (NON_READERS, NON_READER_COUNT) if page.unread else (READERS, READER_COUNT)
    rows = [Reader(*row) for row in connection.execute(lists, wanted)]
    (count,) = connection.execute(counts, wanted).fetchone()
    return rows, count
