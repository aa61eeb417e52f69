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
from typing import Any
from zlib import crc32

import msgpack

from bench.history.shape import Member, Room, Shape

Row = tuple[Any, ...]

_pack = msgpack.Packer().pack


def room_row(shape: Shape, room: Room) -> Row:
    """A row of `rooms`. Direct rooms have no creation key."""
    key = None if room.kind == "direct" else f"made-{room.number:011d}"
    content = [room.name, list(room.users[1:]), None, False, None]
    asked = None if key is None else _digest("RoomCreate", content)
    last = room.messages + 1 if room.messages else 0
    written = (0, 1, 3)[min(room.messages, 2)] if key is None else 0  # who wrote: the creator first
    time = room.time(room.messages) if room.messages else 0
    return (
        *(room.number, room.name, room.kind, room.users[0], room.created_at, key, asked),
        *(room.messages + 1, room.messages, time, 1, last, len(room.users)),
        *(room.name if key else "", "", 0, b"", None, 0, shape.stamp(room.time(room.messages)), written),
    )


def member_row(shape: Shape, room: Room, member: Member) -> Row:
    """A row of `members`; it was last changed by their own last message or by their last `read`."""
    read = member.read_ordinal + 1 if member.read_ordinal else 0
    stamp = shape.stamp(room.time(max(member.own_last, member.read_ordinal)))
    return (
        *(member.user, room.number, member.role, room.created_at, 1, read, member.read_ordinal),
        *(member.own_unread, 0, read, 0, 0, 0, None, stamp, b""),
    )


def event_rows(shape: Shape, room: Room, digests: dict[str, int]) -> Iterator[Row]:
    """The rows of `events` of one room: its making, then its messages. `digests` are remembered by text."""
    first, created = room.number << 32, room.created_at
    made = {"seq": 1, "kind": "created", "user": room.users[0], "time": created, "users": list(room.users)}
    nothing = (None,) * 5
    yield first | 1, "created", room.users[0], created, *nothing, shape.stamp(created), None, _pack(made)
    for ordinal in range(1, room.messages + 1):
        user, time, key = room.author(ordinal), room.time(ordinal), room.key(ordinal)
        text = shape.text(room, ordinal)
        blob = _pack(message(room, ordinal, text))
        digest = digests.get(text) or digests.setdefault(text, send_digest(text))
        stamp = shape.stamp(time)
        yield first | ordinal + 1, "message", user, time, ordinal, key, digest, None, None, stamp, None, blob


def message(room: Room, ordinal: int, text: str) -> dict[str, Any]:
    return {
        "seq": ordinal + 1,
        "kind": "message",
        "user": room.author(ordinal),
        "time": room.time(ordinal),
        "ordinal": ordinal,
        "key": room.key(ordinal),
        "body": {"text": text},
    }


def send_digest(text: str) -> int:
    return _digest("Send", [{"text": text}, False])


def _digest(request: str, content: list[Any]) -> int:
    return crc32(_pack((request, content)))


_FAST = [
    "journal_mode=off",
    "synchronous=off",
    "locking_mode=exclusive",
    "cache_size=-262144",
    "temp_store=2",
]
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
