"""A made-up database, computed from its size and a seed, and its rows in the database of a stopped daemon.

Nothing is remembered for each message, so that ten million of them fit, and that any of them can be told again when it
is read back. The rows come in the order in which the tables keep them, so that the pages are full; a log that grew by
itself in many rooms at once has emptier pages and is larger.
"""

import asyncio
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import gcd
from pathlib import Path
from typing import Any
from zlib import crc32

import msgpack

from bench import printout
from bench.engine.record import Script
from bench.server import DaemonDir

RUN = "hist"  # of the script: users are hist-0, hist-1, ...
YEAR_MS = 365 * 24 * 3600 * 1000
COMMIT_MS = 100  # what is said within one tick was committed together

HEAVY_USERS = 20  # who are in very many rooms
HEAVY_ROOMS = 500
_DIRECT_PART = 0.4
_SIZES = ((0.55, 3, 10), (0.9, 11, 30), (1.0, 31, 100))  # of groups: up to that part of them, so many members
_LONG_TAIL = 0.8  # exponent of how messages spread: the liveliest hundredth of the rooms has a sixth of them
_BEHIND_MAX = 60  # messages a member has not read


@dataclass(frozen=True)
class Member:
    user: str
    role: str
    read_ordinal: int
    own_unread: int
    own_last: int  # ordinal of their last message, 0 for none


@dataclass(frozen=True)
class Room:
    """A room: its first event made it, all others are messages, so ordinal and seq differ by one."""

    number: int
    kind: str
    users: tuple[str, ...]
    messages: int
    created_at: int
    closed_at: int  # the time of the last message at the latest

    @property
    def name(self) -> str:
        return f"{self.kind[0]}{self.number:011d}"

    def author(self, ordinal: int) -> str:
        return self.users[(ordinal - 1) % len(self.users)]

    def time(self, ordinal: int) -> int:
        return self.created_at + (self.closed_at - self.created_at) * ordinal // (self.messages + 1)

    def key(self, ordinal: int) -> str:
        """The idempotency key of a message: 22 characters that rise with time, as UUIDv7 does."""
        return f"{self.time(ordinal):011x}{self.number * 2_654_435_761 + ordinal & 0xFFFFFFFFFFF:011x}"

    def own(self, place: int, ordinal: int) -> int:
        return (ordinal - place + len(self.users) - 1) // len(self.users)


@dataclass(frozen=True)
class Shape:
    """The size of a database and everything in it. `end_ms`: nothing is younger."""

    messages: int
    rooms: int
    users: int
    end_ms: int
    seed: int = 1

    def __post_init__(self) -> None:
        needed = 2 * self.directs + HEAVY_USERS
        if self.rooms < 2 or self.users < needed or self.messages < 1:
            text = f"{self.rooms:,} rooms need {needed:,} users, two rooms and one message at least"
            raise ValueError(text)

    @cached_property
    def script(self) -> Script:
        return Script(RUN, self.seed)

    @property
    def directs(self) -> int:
        """How many rooms are direct ones; in the i-th of them talk users 2i and 2i + 1."""
        return max(1, int(self.rooms * _DIRECT_PART))

    @property
    def begin_ms(self) -> int:
        return self.end_ms - YEAR_MS

    def text(self, room: Room, ordinal: int) -> str:
        return self.script.text(room.number, ordinal)

    def stamp(self, time_ms: int) -> int:
        return (time_ms - self.begin_ms) // COMMIT_MS + 1

    def heavy(self, place: int) -> int:
        return self.users - 1 - place

    def direct_number(self, place: int) -> int:
        """The room number of the i-th direct room; the first few of them are spread over all rooms already."""
        return 1 + place * self._stride % self.directs * self.rooms // self.directs

    @cached_property
    def _stride(self) -> int:
        """About the golden part of the direct rooms, and coprime to them, so that each is met once."""
        stride = max(1, int(self.directs * 0.618))
        while gcd(stride, self.directs) > 1:
            stride += 1
        return stride

    @cached_property
    def all_rooms(self) -> list[Room]:
        chance = random.Random(self.seed)
        weights = [(rank + 20) ** -_LONG_TAIL for rank in range(self.rooms)]
        chance.shuffle(weights)
        sums = list(accumulate(weights, initial=0.0))
        ends = [round(self.messages * place / sums[-1]) for place in sums]  # so that they add up exactly
        places = {self.direct_number(place): place for place in range(self.directs)}
        groups = [number for number in range(1, self.rooms + 1) if number not in places]
        heavy: dict[int, list[int]] = {}
        for place in range(HEAVY_USERS):
            for number in chance.sample(groups, min(HEAVY_ROOMS, len(groups))):
                heavy.setdefault(number, []).append(self.heavy(place))
        return [
            self._room(number, places.get(number), end - start, heavy.get(number, []), chance)
            for number, (start, end) in enumerate(pairwise(ends), 1)
        ]

    def members(self, room: Room) -> Iterator[Member]:
        chance = random.Random(room.number * 31 + self.seed)
        for place, user in enumerate(room.users):
            read = max(0, room.messages - chance.randrange(_BEHIND_MAX))
            own, own_read = room.own(place, room.messages), room.own(place, read)
            role = "owner" if place == 0 and room.kind == "group" else "member"
            last = place + 1 + (own - 1) * len(room.users) if own else 0
            yield Member(user, role, read, own - own_read, last)

    def _room(
        self, number: int, direct: int | None, messages: int, heavy: list[int], chance: random.Random
    ) -> Room:
        created = self.begin_ms + chance.randrange(YEAR_MS // 2)
        closed = self.end_ms - chance.randrange(YEAR_MS // 50)
        if direct is not None:
            numbers = [2 * direct, 2 * direct + 1]
        else:
            kind = chance.random()
            low, high = next((low, high) for part, low, high in _SIZES if kind <= part)
            size, others = chance.randint(low, high), self.users - HEAVY_USERS
            numbers = list(dict.fromkeys([*heavy, *(chance.randrange(others) for _ in range(size))]))[:100]
        users = tuple(map(self.script.user, numbers))
        return Room(number, "group" if direct is None else "direct", users, messages, created, closed)


Row = tuple[Any, ...]

_pack = msgpack.Packer().pack


def room_row(shape: Shape, room: Room) -> Row:
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
        *(b"", 0, 0, 0, 0),
    )


def member_row(shape: Shape, room: Room, member: Member) -> Row:
    """A row of `members`; it was last changed by their own last message or by their last `read`."""
    read = member.read_ordinal + 1 if member.read_ordinal else 0
    stamp = shape.stamp(room.time(max(member.own_last, member.read_ordinal)))
    return (
        *(member.user, room.number, member.role, room.created_at, 1, read, member.read_ordinal),
        *(member.own_unread, 0, read, 0, 0, 0, None, stamp, b"", 1, "", 0, 0),
    )


def event_rows(shape: Shape, room: Room, digests: dict[str, int]) -> Iterator[Row]:
    """The rows of `events` of one room: its making, then its messages. `digests` are remembered by text."""
    first, created = room.number << 32, room.created_at
    made = {"seq": 1, "kind": "created", "user": room.users[0], "time": created, "users": list(room.users)}
    nothing = (None,) * 5
    yield (
        first | 1,
        "created",
        room.users[0],
        created,
        *nothing,
        shape.stamp(created),
        None,
        _pack(made),
        None,
    )
    for ordinal in range(1, room.messages + 1):
        user, time, key = room.author(ordinal), room.time(ordinal), room.key(ordinal)
        text = shape.text(room, ordinal)
        blob = _pack(message(room, ordinal, text))
        digest = digests.get(text) or digests.setdefault(text, _digest("Send", [{"text": text}, False]))
        row = first | ordinal + 1, "message", user, time, ordinal, key, digest, None, None
        yield *row, shape.stamp(time), None, blob, None


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


def _digest(request: str, content: list[Any]) -> int:
    return crc32(_pack((request, content)))


async def make(here: DaemonDir, shape: Shape) -> None:
    """Let the first start of a daemon make the schema, and fill it in. Raises Unreachable, sqlite3.Error."""
    async with here.daemon():
        pass
    messages = 0

    def done(now: int) -> None:
        nonlocal messages
        messages = now

    with printout.shown(lambda: f"fill     {printout.bar(messages, shape.messages)} messages"):
        await asyncio.to_thread(fill, here.database, shape, done)


_FAST = [
    "journal_mode=off",
    "synchronous=off",
    "locking_mode=exclusive",
    "cache_size=-262144",
    "temp_store=2",
]
_AFTERWARDS = ("events", "members")  # tables whose indexes are made when the rows are there
_COLUMNS = {"rooms": 26, "members": 20, "events": 13, "direct": 3}


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
        for room in shape.all_rooms:  # in the order of the table's key
            _insert(
                connection,
                "members",
                iter(sorted(member_row(shape, room, one) for one in shape.members(room))),
            )
        connection.execute("INSERT INTO memberships SELECT user, count(*) FROM members GROUP BY user")
        pairs = ((room.number, *sorted(room.users)) for room in shape.all_rooms if room.kind == "direct")
        _insert(connection, "direct", pairs)
        _insert(connection, "events", _events(shape, done))
        connection.execute("UPDATE meta SET value = ? WHERE key = 'stamp'", (shape.stamp(shape.end_ms),))
        for sql in indexes:
            connection.execute(sql)
        connection.execute("COMMIT")
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


def _events(shape: Shape, done: Callable[[int], None]) -> Iterator[Row]:
    messages, digests = 0, dict[str, int]()
    for room in shape.all_rooms:
        yield from event_rows(shape, room, digests)
        messages += room.messages
        done(messages)
