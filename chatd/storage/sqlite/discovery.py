"""The directory of groups and channels: a row for each name of a room that is listed."""

import sqlite3
from collections.abc import Mapping, Sequence

from chatd.core.discovery import Listing
from chatd.storage.discovery import DiscoveryViews, ListedRoom
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.read_set import ROOM_COLUMNS, room_of
from chatd.storage.sqlite.records import WriteRecords

# Behind every name that begins alike.
LAST = "\U0010ffff"
# Rows of the directory that are sorted by the members of their rooms, some milliseconds.
FEW = 1000
COUNT = "SELECT count(*) FROM (SELECT 1 FROM listed WHERE name BETWEEN ? AND ? LIMIT ?)"
NAMED = "r.number IN (SELECT room FROM listed WHERE name BETWEEN ? AND ?)"
HAS = "EXISTS (SELECT 1 FROM listed l WHERE l.room = r.number AND l.name BETWEEN ? AND ?)"
FOUND = f"""
SELECT {ROOM_COLUMNS} FROM rooms r {{index}}
WHERE {{names}} AND r.listed = 1 AND r.deleted_by IS NULL
  AND r.members >= ? AND r.members <= ? AND (r.members < ? OR r.name > ?)
ORDER BY r.members DESC, r.name LIMIT ?
"""  # noqa: S608
DUE = "SELECT name FROM rooms INDEXED BY rooms_listing_due WHERE listed = 2 LIMIT ?"
UNLIST = "DELETE FROM listed WHERE room = ?"
LIST = "INSERT INTO listed (name, room) VALUES (?, ?)"
MARK = "UPDATE rooms SET listed = ? WHERE number = ?"


class DiscoveryReads(DiscoveryViews):
    """The part of the store on SQLite."""

    _read_pool: ReadPool

    async def listed_rooms(
        self, title: str, tag: str, least: int, behind: tuple[int, str], limit: int
    ) -> list[ListedRoom]:
        bounds = [(title, title + LAST)] if title else []
        bounds += [(tag, tag)] if tag else []
        return await self._read_pool.run(listed_rooms, bounds, least, behind, limit)

    async def rooms_listing_due(self, limit: int) -> list[str]:
        return await self._read_pool.run(rooms_listing_due, limit)


def rooms_listing_due(connection: sqlite3.Connection, limit: int) -> list[str]:
    return [name for (name,) in connection.execute(DUE, (limit,))]


def listed_rooms(
    connection: sqlite3.Connection,
    bounds: Sequence[tuple[str, str]],
    least: int,
    behind: tuple[int, str],
    limit: int,
) -> list[ListedRoom]:
    """Return the largest rooms that have a name between each pair of `bounds`.

    Where few rooms have one, they are sorted. Where very many have, the largest rooms of all are asked for it: among
    so many a page is soon full.
    """
    counted = ((pair, connection.execute(COUNT, (*pair, FEW)).fetchone()[0]) for pair in bounds)
    few = next((pair for pair, count in counted if count < FEW), None)
    rest = [pair for pair in bounds if pair != few]
    names = " AND ".join([*([NAMED] if few else []), *([HAS] * len(rest))])
    sql = FOUND.format(names=names, index="" if few else "INDEXED BY rooms_listed")
    members, name = behind
    values = [value for pair in ([few] if few else []) + rest for value in pair]
    rows = connection.execute(sql, (*values, least, members, members, name, limit))
    return [ListedRoom(room_of(row), row[-1]) for row in rows]


def write_listings(connection: sqlite3.Connection, listings: Sequence[Listing], stamp: int) -> None:
    last = {listing.room: listing for listing in listings}
    connection.executemany(UNLIST, [(room,) for room in last])
    connection.executemany(LIST, [(name, room) for room, one in last.items() for name in one.names])
    connection.executemany(MARK, [(1 if one.names else 0, room) for room, one in last.items()])


WRITES: Mapping[type, WriteRecords] = {Listing: write_listings}
