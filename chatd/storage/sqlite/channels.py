"""The members of channels, read one by one or in slices."""

import sqlite3
from collections.abc import Collection

from chatd.core.room import Member
from chatd.storage.sqlite.member_reads import BANNED_COUNT, held_bans
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.read_set import FOLLOWER, member_of

FOLLOWED = """
SELECT count(*) FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.gone IS NULL AND r.kind = 'channel' AND r.deleted_by IS NULL
"""
# Those whom the partial index holds: until nobody follows them any more.
DELETED = """
SELECT name, number FROM rooms INDEXED BY rooms_left
WHERE deleted_by IS NOT NULL AND kind = 'channel' AND members > 0
"""
MEMBERS_OF = "SELECT user FROM members WHERE room = ? AND user > ? AND gone IS NULL ORDER BY user LIMIT ?"


class ChannelRows:
    """The `ChannelStore` on the readers of the store."""

    def __init__(self, read_pool: ReadPool) -> None:
        self._read_pool = read_pool

    async def followers(self, places: Collection[tuple[int, str]]) -> dict[tuple[int, str], Member]:
        return await self._read_pool.run(followers, places)

    async def followed(self, users: Collection[str]) -> dict[str, int]:
        return await self._read_pool.run(followed, users)

    async def banned(self, room: int, now_ms: int, far: int) -> int:
        return await self._read_pool.run(banned, room, now_ms, far)

    async def deleted(self) -> list[tuple[str, int]]:
        return await self._read_pool.run(deleted)

    async def members_of(self, room: int, after: str, limit: int) -> list[str]:
        return await self._read_pool.run(members_of, room, after, limit)


def followers(
    connection: sqlite3.Connection, places: Collection[tuple[int, str]]
) -> dict[tuple[int, str], Member]:
    found = {}
    for place in places:
        row = connection.execute(FOLLOWER, place).fetchone()
        if row is not None:
            found[place] = member_of(row)
    return found


def followed(connection: sqlite3.Connection, users: Collection[str]) -> dict[str, int]:
    return {user: connection.execute(FOLLOWED, (user,)).fetchone()[0] for user in users}


def banned(connection: sqlite3.Connection, room: int, now_ms: int, far: int) -> int:
    (count,) = connection.execute(BANNED_COUNT, (room,)).fetchone()
    return count if count <= far else len(held_bans(connection, room, now_ms))


def deleted(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    return connection.execute(DELETED).fetchall()


def members_of(connection: sqlite3.Connection, room: int, after: str, limit: int) -> list[str]:
    return [user for (user,) in connection.execute(MEMBERS_OF, (room, after, limit))]
