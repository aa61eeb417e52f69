"""The reads of the database by which an index is filled. They run on any connection to SQLite that cannot write.

Each statement may see another commit: an index notes how far it has seen a room, and what changed later comes later.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from chatd.protocol.codec import decode_event
from chatd.protocol.messages import Event

# Events of a room that are looked at in one go, whatever is left of them.
STRETCH = 2000

ROOMS = "SELECT number, seq, purged, deleted_by IS NOT NULL, kind = 'direct' FROM rooms"
ROOMS_BEHIND = f"{ROOMS} WHERE number > ? ORDER BY number LIMIT ?"
THESE_ROOMS = f"{ROOMS} WHERE number IN (SELECT value FROM json_each(?))"  # noqa: S608
LOG = """
SELECT position & 0xffffffff, CASE kind WHEN 'message' THEN blob END FROM events
WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?
"""
CHANGED = """
SELECT blob FROM events
WHERE position IN (
    SELECT position FROM events INDEXED BY events_changed
    WHERE position >> 32 = ? AND changed > ? AND changed <= ? AND position <= ?
)
"""


class AnyConnection(Protocol):
    """A connection of sqlite3, or of apsw."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Iterable[Any]: ...


class RoomHead(NamedTuple):
    """The end of the log of a room; events up to `purged` are gone. `keeps_some`: some of them may be there."""

    room: int
    seq: int
    purged: int
    is_deleted: bool
    keeps_some: bool = False


class Part(NamedTuple):
    """The messages of a part of a log that ends at `reached`, and those before it that changed in it."""

    messages: list[Event]
    changed: list[Event]
    reached: int


def rooms_behind(connection: AnyConnection, number: int, limit: int) -> list[RoomHead]:
    """Return the next rooms behind a number."""
    return [RoomHead._make(row) for row in connection.execute(ROOMS_BEHIND, (number, limit))]


def heads_of(connection: AnyConnection, rooms: Iterable[int]) -> list[RoomHead]:
    """Return these rooms, as far as they are there."""
    return [RoomHead._make(row) for row in connection.execute(THESE_ROOMS, (json.dumps(list(rooms)),))]


def part_behind(connection: AnyConnection, head: RoomHead, seq: int, limit: int) -> Part:
    """Return the part of a log behind `seq`, of up to `limit` events."""
    room, end = head.room << 32, min(head.seq, seq + STRETCH)
    rows = list(connection.execute(LOG, (room | seq + 1, room | end, limit)))
    reached = end if len(rows) < limit else int(rows[-1][0])
    messages = [decode_event(bytes(blob)) for _, blob in rows if blob is not None]
    changed = connection.execute(CHANGED, (head.room, seq, reached, room | seq))
    return Part(messages, [decode_event(bytes(blob)) for (blob,) in changed], reached)
