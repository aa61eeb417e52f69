"""Pages of one room's log, as stored: all events, messages only, changed messages, and own reactions.

Every function runs inside a read transaction of the connection. Pages are cut by number and by bytes; a page has at
least one event when there is one, so that every reader reaches the end.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from chatd.storage.sqlite.rows import position
from chatd.storage.views import EventPage, MessagePage

# Rows that a page of messages may look at, some 3 ms; the page says how far it came.
SCANNED_MAX = 5000

LOG = """
SELECT position & 0xffffffff, blob FROM events WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?
"""

OLDEST = """
SELECT position & 0xffffffff, CASE kind WHEN 'message' THEN blob END FROM events
WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?
"""

NEWEST = """
SELECT position & 0xffffffff, CASE kind WHEN 'message' THEN blob END FROM events
WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT ?
"""

# The positions first, from the index alone, so that messages are not copied while they are sorted.
CHANGES = """
SELECT position & 0xffffffff, blob FROM events
WHERE position IN (
    SELECT position FROM events INDEXED BY events_changed
    WHERE position >> 32 = ? AND changed > ? AND position BETWEEN ? AND ?
)
ORDER BY position
"""

MESSAGES = """
SELECT position & 0xffffffff, blob FROM events
WHERE position IN (SELECT ? << 32 | value FROM json_each(?) WHERE value BETWEEN 1 AND 0xffffffff)
  AND kind = 'message'
ORDER BY position
"""

MINE = """
SELECT seq, emoji FROM reactions
WHERE room = ? AND seq IN (SELECT value FROM json_each(?)) AND user = ?
ORDER BY seq, emoji
"""

HEAD = "SELECT seq FROM rooms WHERE number = ?"


class Span(NamedTuple):
    """The events `low`..`high` of one room, both inclusive."""

    room: int
    low: int
    high: int

    @property
    def positions(self) -> tuple[int, int]:
        return position(self.room, self.low), position(self.room, self.high)


class Cut(NamedTuple):
    """The bounds of a page: its events and their bytes."""

    events: int
    bytes: int


def cut_to(cut: Cut, rows: Iterable[tuple[int, bytes]]) -> EventPage:
    """Return the rows that fit; `next` is the first that does not."""
    events: list[bytes] = []
    bytes_left = cut.bytes
    for seq, blob in rows:
        bytes_left -= len(blob)
        if events and (bytes_left < 0 or len(events) >= cut.events):
            return EventPage(events, seq)
        events.append(blob)
    return EventPage(events)


def log(connection: sqlite3.Connection, span: Span, cut: Cut) -> EventPage:
    return cut_to(cut, connection.execute(LOG, (*span.positions, cut.events + 1)))


def changes(connection: sqlite3.Connection, span: Span, since: int, page_bytes: int) -> EventPage:
    rows = connection.execute(CHANGES, (span.room, since, *span.positions))
    return cut_to(Cut(SCANNED_MAX, page_bytes), rows)


def messages(connection: sqlite3.Connection, room: int, seqs: Sequence[int], page_bytes: int) -> list[bytes]:
    rows = connection.execute(MESSAGES, (room, json.dumps(list(seqs))))
    return cut_to(Cut(len(seqs), page_bytes), rows).events


def mine(connection: sqlite3.Connection, room: int, user: str, seqs: Collection[int]) -> dict[int, list[str]]:
    own: dict[int, list[str]] = {}
    for seq, emoji in connection.execute(MINE, (room, json.dumps(list(seqs)), user)):
        own.setdefault(seq, []).append(emoji)
    return own


def history(connection: sqlite3.Connection, span: Span, cut: Cut, newest: bool) -> MessagePage:
    """Return messages from one end of `span`, which is cut at the end of the log."""
    row = connection.execute(HEAD, (span.room,)).fetchone()
    low, high = span.low, min(span.high, row[0] if row else 0)
    if low > high:
        return MessagePage([], low, high, end=True)
    positions = Span(span.room, low, high).positions
    rows = connection.execute(NEWEST if newest else OLDEST, (*positions, SCANNED_MAX))
    return page_of(rows, Span(span.room, low, high), cut, newest)


def page_of(rows: Iterable[tuple[int, bytes | None]], span: Span, cut: Cut, newest: bool) -> MessagePage:
    """Return the messages among the rows of `span` that fit on a page, with what it covers."""
    _, low, high = span
    events, reached = scan(cut, rows)
    if not newest:
        return MessagePage(events, low, high if reached is None else reached, end=True)
    bottom = low if reached is None else reached
    return MessagePage(events[::-1], bottom, high, end=bottom == low)


def scan(cut: Cut, rows: Iterable[tuple[int, bytes | None]]) -> tuple[list[bytes], int | None]:
    """Return the messages among the rows that fit on a page, and the last `seq` covered; None: all rows."""
    events: list[bytes] = []
    passed, reached, bytes_left = 0, None, cut.bytes
    for seq, blob in rows:
        if blob is not None:
            bytes_left -= len(blob)
            if events and (bytes_left < 0 or len(events) >= cut.events):
                return events, reached
            events.append(blob)
        passed, reached = passed + 1, seq
    return events, reached if passed == SCANNED_MAX else None
