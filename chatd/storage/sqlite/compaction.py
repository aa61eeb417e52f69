"""The search for operations (edits, reactions, membership) that are old enough to drop. Messages are kept for ever."""

import sqlite3
from collections.abc import Iterator

from chatd.storage.sqlite.rows import position

# Events that one compaction passes: the commit that drops them stays below 50 ms.
COMPACTED_MAX = 5000

LONG_ROOMS = """
SELECT number, name, seq, log_floor FROM rooms
WHERE seq - log_floor >= ? AND deleted_by IS NULL ORDER BY number
"""

TIME_AT = "SELECT time FROM events WHERE position = ?"


def compactable(
    connection: sqlite3.Connection, before_ms: int, keep: int, limit: int
) -> list[tuple[str, int]]:
    """Return rooms and the floor each can have now; one with more to compact is found again. Inside a transaction."""
    found: list[tuple[str, int]] = []
    for name, floor in candidates(connection, before_ms, keep):
        if len(found) == limit:
            break
        found.append((name, floor))
    return found


def candidates(connection: sqlite3.Connection, before_ms: int, keep: int) -> Iterator[tuple[str, int]]:
    for number, name, seq, old_floor in connection.execute(LONG_ROOMS, (keep,)):
        highest = min(seq - keep + 1, old_floor + COMPACTED_MAX)
        floor = first_since(connection, number, old_floor, highest, before_ms)
        if floor > old_floor:
            yield name, floor


def first_since(connection: sqlite3.Connection, room: int, low: int, high: int, before_ms: int) -> int:
    """Return the first `seq` of low..high that is not older than `before_ms`, or `high`.

    A binary search, as times rise along a log. Where the clock once went back, the floor is off by as much.
    """
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(TIME_AT, (position(room, middle),)).fetchone()
        if row is not None and row[0] < before_ms:
            low = middle + 1
        else:
            high = middle
    return low
