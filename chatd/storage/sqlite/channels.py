"""The members of channels, read one by one."""

import sqlite3
from collections.abc import Collection

from chatd.core.room import Member
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.read_set import FOLLOWER, member_of

FOLLOWED = """
SELECT count(*) FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.gone IS NULL AND r.kind = 'channel' AND r.deleted_by IS NULL
"""

DELETED = """
SELECT r.name, m.user FROM rooms r JOIN members m ON m.room = r.number
WHERE r.kind = 'channel' AND r.deleted_by IS NOT NULL AND r.members > 0 AND m.gone IS NULL LIMIT ?
"""


class ChannelRows:
    """The `ChannelStore` on the readers of the store."""

    def __init__(self, read_pool: ReadPool) -> None:
        self._read_pool = read_pool

    async def followers(self, places: Collection[tuple[int, str]]) -> dict[tuple[int, str], Member]:
        return await self._read_pool.run(followers, places)

    async def followed(self, users: Collection[str]) -> dict[str, int]:
        return await self._read_pool.run(followed, users)

    async def deleted(self, limit: int) -> list[tuple[str, list[str]]]:
        return await self._read_pool.run(deleted, limit)


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


def deleted(connection: sqlite3.Connection, limit: int) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for name, user in connection.execute(DELETED, (limit,)):
        found.setdefault(name, []).append(user)
    return [*found.items()]
