"""Puts a shape into the database of a stopped daemon: rows in the order of the tables, indexes afterwards.

The rows come in the order in which the tables keep them, so that the pages are full; a log that grew by itself
in many rooms at once has emptier pages and is larger.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

from bench.history.rows import Row, event_rows, member_row, room_row
from bench.history.shape import Room, Shape

_FAST = (
    "journal_mode = off",
    "synchronous = off",
    "locking_mode = exclusive",
    "cache_size = -262144",
    "temp_store = 2",
)
_AFTERWARDS = ("events", "members")  # tables whose indexes are made when the rows are there
_COLUMNS = {"rooms": 21, "members": 16, "events": 12, "direct": 3}


def fill(database: Path, shape: Shape, done: Callable[[int], None]) -> None:
    """Writes everything; `done` hears now and then how many messages are in. A crash leaves the file useless.

    Raises sqlite3.Error.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for setting in _FAST:
            connection.execute(f"PRAGMA {setting}").fetchall()
        indexes = _drop_indexes(connection)
        connection.execute("BEGIN")
        _insert(connection, "rooms", (room_row(shape, room) for room in shape.all_rooms))
        _insert(connection, "members", chain.from_iterable(map(_members(shape), shape.all_rooms)))
        connection.execute("INSERT INTO memberships SELECT user, count(*) FROM members GROUP BY user")
        _insert(connection, "direct", _pairs(shape))
        _insert(connection, "events", _events(shape, done))
        connection.execute("UPDATE meta SET value = ? WHERE key = 'stamp'", (shape.stamp(shape.end_ms),))
        for sql in indexes:
            connection.execute(sql)
        connection.execute("COMMIT")
    _settle(database)


def _settle(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal").fetchall()
    with database.open("rb+") as file:
        os.fsync(file.fileno())


def _drop_indexes(connection: sqlite3.Connection) -> list[str]:
    """Drops the indexes that are quicker to make at the end; the statements that make them."""
    asked = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL AND tbl_name IN (?, ?)"
    found = connection.execute(asked, _AFTERWARDS).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    return [sql for _, sql in found]


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[Row]) -> None:
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * _COLUMNS[table])})", rows)


def _members(shape: Shape) -> Callable[[Room], Iterator[Row]]:
    """The rows of a room's members in the order of the table's key."""
    return lambda room: iter(sorted(member_row(shape, room, member) for member in shape.members(room)))


def _pairs(shape: Shape) -> Iterator[Row]:
    return ((room.number, *sorted(room.users)) for room in shape.all_rooms if room.kind == "direct")


def _events(shape: Shape, done: Callable[[int], None]) -> Iterator[Row]:
    messages, digests = 0, dict[str, int]()
    for room in shape.all_rooms:
        yield from event_rows(shape, room, digests)
        messages += room.messages
        done(messages)
