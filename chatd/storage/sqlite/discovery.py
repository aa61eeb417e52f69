"""The directory of groups and channels: a row for each name of a room that is listed."""

import sqlite3
from collections.abc import Mapping, Sequence

from chatd.core.discovery import Listing
from chatd.storage.discovery import DiscoveryViews, ListedRoom
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.read_set import ROOM_COLUMNS, room_of
from chatd.storage.sqlite.records import WriteRecords

# Rows of the directory that one search looks at, some milliseconds.
DEPTH = 1000
BEGINNING = "SELECT room FROM listed WHERE name BETWEEN :title AND :title || char(0x10ffff) LIMIT :depth"
TAGGED = "SELECT room FROM listed WHERE name = :tag"
FOUND = f"""
SELECT {ROOM_COLUMNS} FROM rooms r
WHERE r.number IN ({{names}}) AND r.deleted_by IS NULL AND r.members >= :least
  AND (r.members < :members OR (r.members = :members AND r.name > :name))
ORDER BY r.members DESC, r.name LIMIT :limit
"""  # noqa: S608
UNLIST = "DELETE FROM listed WHERE room = ?"
LIST = "INSERT INTO listed (name, room) VALUES (?, ?)"


class DiscoveryReads(DiscoveryViews):
    """The part of the store on SQLite."""

    _read_pool: ReadPool

    async def listed_rooms(
        self, title: str, tag: str, least: int, behind: tuple[int, str], limit: int
    ) -> list[ListedRoom]:
        members, name = behind
        asked = {"title": title, "tag": tag, "least": least, "members": members, "name": name, "limit": limit}
        return await self._read_pool.run(listed_rooms, asked)


def listed_rooms(connection: sqlite3.Connection, asked: Mapping[str, object]) -> list[ListedRoom]:
    if not asked["title"]:
        names = f"{TAGGED} LIMIT :depth"
    elif not asked["tag"]:
        names = BEGINNING
    else:
        # Of those with the tag, few, each is asked for its title.
        names = (
            "SELECT t.room FROM listed t WHERE t.name = :tag AND EXISTS ("
            " SELECT 1 FROM listed l WHERE l.room = t.room AND l.name BETWEEN :title AND :title || char(0x10ffff))"
            " LIMIT :depth"
        )
    rows = connection.execute(FOUND.format(names=names), {**asked, "depth": DEPTH})
    return [ListedRoom(room_of(row), row[-1]) for row in rows]


def write_listings(connection: sqlite3.Connection, listings: Sequence[Listing], stamp: int) -> None:
    last = {listing.room: listing for listing in listings}
    connection.executemany(UNLIST, [(room,) for room in last])
    connection.executemany(LIST, [(name, room) for room, one in last.items() for name in one.names])


WRITES: Mapping[type, WriteRecords] = {Listing: write_listings}
