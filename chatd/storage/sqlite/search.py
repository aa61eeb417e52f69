"""The reads behind a search: the rooms to look at, and messages as they are now.

An index proposes messages that it has seen; what it has not seen is read here: the tail of the log, and older messages
that changed in it. Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from chatd.core.own_view import view_of
from chatd.core.searches import TAIL, Span
from chatd.protocol.codec import decode_event
from chatd.storage.search import Found, Look, Matches, SearchedRoom
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.room_rows import FIRST_VISIBLE, SHOWN
from chatd.storage.sqlite.rows import position

# Above every room.
TOP = (1 << 62, 0)
# Messages that are read at once, before anybody knows whether they match.
AT_ONCE = 32

ROOMS = f"""
SELECT r.name, r.number, {FIRST_VISIBLE}, r.seq, r.time, m.first_visible, m.extras
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = :user AND m.gone IS NULL AND r.deleted_by IS NULL AND {SHOWN} AND (r.time, r.number) < (:time, :number)
ORDER BY r.time DESC, r.number DESC LIMIT :limit
"""  # noqa: S608 - put together from constants

TAIL_MESSAGES = """
SELECT position & 0xffffffff, blob FROM events
WHERE position BETWEEN ? AND ? AND kind = 'message' ORDER BY position DESC
"""

CHANGED = """
SELECT position & 0xffffffff FROM events INDEXED BY events_changed
WHERE position >> 32 = ? AND changed > ? AND position BETWEEN ? AND ?
"""

MESSAGES = """
SELECT position & 0xffffffff, blob FROM events
WHERE position IN (SELECT ? << 32 | value FROM json_each(?)) AND kind = 'message' ORDER BY position DESC
"""

# The first event from a place on, and its time.
TIME_FROM = (
    "SELECT position & 0xffffffff, time FROM events WHERE position BETWEEN ? AND ? ORDER BY position LIMIT 1"
)


class Seen(NamedTuple):
    """The part of a member's row that says what they see."""

    first_visible: int
    extras: bytes


class SearchReads:
    """The part of a store that a search reads from."""

    _read_pool: ReadPool

    async def searched_rooms(
        self, user: str, before: tuple[int, ...] | None, limit: int, *, everything: bool
    ) -> list[SearchedRoom]:
        return await self._read_pool.run(searched_rooms, user, before or TOP, limit, everything)

    async def within(self, spans: Sequence[Span], since: int, until: int | None) -> list[Span]:
        return await self._read_pool.run(within, spans, since, until)

    async def look(self, asked: Sequence[Look], matches: Matches) -> list[Found]:
        return await self._read_pool.run(look_all, asked, matches)


def searched_rooms(
    connection: sqlite3.Connection, user: str, before: tuple[int, ...], limit: int, everything: bool
) -> list[SearchedRoom]:
    wanted = {"user": user, "time": before[0], "number": before[1], "limit": limit}
    rows = connection.execute(ROOMS, {**wanted, "everything": int(everything), "requests": 0})
    return [
        SearchedRoom(name, Span(number, low, seq), view_of(Seen(*seen)), seq, (time, number))
        for name, number, low, seq, time, *seen in rows
    ]


def within(
    connection: sqlite3.Connection, spans: Sequence[Span], since: int, until: int | None
) -> list[Span]:
    return [part_within(connection, span, since, until) for span in spans]


def part_within(connection: sqlite3.Connection, span: Span, since: int, until: int | None) -> Span:
    low = first_from(connection, span, since) if since else span.low
    high = span.high if until is None else first_from(connection, span, until + 1) - 1
    return Span(span.room, low, high)


def first_from(connection: sqlite3.Connection, span: Span, time: int) -> int:
    """Return the first event of a span that is not before `time`, by halving; one above the span when there is none."""
    low, high = span.low, span.high + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            TIME_FROM, (position(span.room, middle), position(span.room, span.high))
        ).fetchone()
        if row is None or row[1] >= time:
            high = middle
        else:
            low = row[0] + 1
    return low


def look_all(connection: sqlite3.Connection, asked: Sequence[Look], matches: Matches) -> list[Found]:
    return [look(connection, one, matches) for one in asked]


def look(connection: sqlite3.Connection, asked: Look, matches: Matches) -> Found:
    _, low, high = asked.span
    found: list[bytes] = []
    bytes_left = asked.page_bytes
    # Below it the candidates say nothing.
    end = max(low, asked.candidates[-1]) if asked.is_cut and asked.candidates else low
    for seq, blob in rows_of(connection, asked, end):
        if asked.view.has_deleted(seq) or not matches(decode_event(blob)):
            continue
        bytes_left -= len(blob)
        if found and bytes_left < 0:
            return Found(found, seq + 1, is_full=True)
        found.append(blob)
        if len(found) == asked.limit:
            return Found(found, seq, is_full=True)
    return Found(found, min(end, high + 1))


def rows_of(connection: sqlite3.Connection, asked: Look, end: int) -> Iterator[tuple[int, bytes]]:
    """Return the messages of a span that may match down to `end`, the newest first."""
    room, low, high = asked.span
    floor = max(asked.indexed, asked.seq - TAIL)
    tail = (position(room, max(low, floor + 1)), position(room, high))
    if tail[0] <= tail[1]:
        yield from connection.execute(TAIL_MESSAGES, tail)
    top = min(high, floor)
    changed: Iterable[tuple[int]] = (
        connection.execute(CHANGED, (room, floor, position(room, end), position(room, top)))
        if end <= top
        else ()
    )
    known = {seq for seq in asked.candidates if end <= seq <= top}
    seqs = sorted(known.union(seq for (seq,) in changed), reverse=True)
    for first in range(0, len(seqs), AT_ONCE):
        yield from connection.execute(MESSAGES, (room, json.dumps(seqs[first : first + AT_ONCE])))
