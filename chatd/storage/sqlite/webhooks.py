"""The rows of the delivery of events: `consumers` and `parked`, and the place in the feed at a time."""

import sqlite3
from collections.abc import Sequence

from chatd.core.event_feed import Position, cursor_of, position_of
from chatd.core.webhooks import PARKED_MAX, Consumer, ForgottenParked, Parked, Unparked
from chatd.protocol.identifiers import U53_MAX
from chatd.storage.sqlite.records import WriteRecords

CONSUMERS = "SELECT name, cursor, state FROM consumers ORDER BY name"
PUT_CONSUMER = """
INSERT INTO consumers (name, cursor, state) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, state = excluded.state
"""

PARK = """
INSERT INTO parked (consumer, entry, time, status) VALUES (?, ?, ?, ?)
ON CONFLICT (consumer, entry) DO UPDATE SET time = excluded.time, status = excluded.status
"""
BEYOND = """
DELETE FROM parked WHERE consumer = ? AND number IN (
    SELECT number FROM parked WHERE consumer = ? ORDER BY number DESC LIMIT -1 OFFSET ?
)
"""
SET_ASIDE = "SELECT consumer, entry FROM parked"
UNPARK = "DELETE FROM parked WHERE consumer = ? AND entry = ?"
PARKED = "SELECT consumer, entry, status, time FROM parked WHERE consumer = ? ORDER BY number DESC LIMIT ?"
COUNTS = "SELECT consumer, count(*) FROM parked GROUP BY consumer"

FIRST = "SELECT min(stamp) FROM event_feed"
LAST = "SELECT max(stamp) FROM event_feed"
AT_OR_BEHIND = "SELECT stamp, time FROM event_feed WHERE stamp >= ? ORDER BY stamp LIMIT 1"


def consumers(connection: sqlite3.Connection) -> list[Consumer]:
    return [Consumer(*row) for row in connection.execute(CONSUMERS)]


def parked(connection: sqlite3.Connection, consumer: str, limit: int) -> list[Parked]:
    """Return entries that were set aside, the last ones first."""
    return [Parked(*row) for row in connection.execute(PARKED, (consumer, limit))]


def parked_counts(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute(COUNTS))


def cursor_at(connection: sqlite3.Connection, epoch: str, time: int) -> str:
    """Return the cursor behind which the entries since `time` (Unix ms) are; "" for all that are kept.

    Times rise with stamps, unless the clock was set back: then it is near. A search by halves, of some forty looks.
    """
    first = connection.execute(FIRST).fetchone()[0]
    if first is None:
        return ""
    low, high = first, connection.execute(LAST).fetchone()[0] + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(AT_OR_BEHIND, (middle,)).fetchone()
        if row is None or row[1] >= time:
            high = middle
        else:
            low = row[0] + 1
    return "" if low == first else cursor_of(epoch, Position(low - 1, U53_MAX))


def put_consumers(connection: sqlite3.Connection, saved: Sequence[Consumer], stamp: int) -> None:
    connection.executemany(PUT_CONSUMER, [(one.name, one.cursor, one.state) for one in saved])


def park(connection: sqlite3.Connection, set_aside: Sequence[Parked], stamp: int) -> None:
    rows = [(one.consumer, one.entry, one.time, one.status) for one in set_aside]
    connection.executemany(PARK, rows)
    connection.executemany(BEYOND, [(name, name, PARKED_MAX) for name in {one.consumer for one in set_aside}])


def forget(connection: sqlite3.Connection, forgotten: Sequence[ForgottenParked], stamp: int) -> None:
    """Forget what was set aside of entries that the feed has no more. No time is asked: a clock may have jumped."""
    first = connection.execute(FIRST).fetchone()[0]
    if first is not None:
        kept = connection.execute(SET_ASIDE).fetchall()
        gone = [(consumer, entry) for consumer, entry in kept if position_of(entry)[1].stamp < first]
        connection.executemany(UNPARK, gone)


def unpark(connection: sqlite3.Connection, gone: Sequence[Unparked], stamp: int) -> None:
    connection.executemany(UNPARK, [(one.consumer, one.entry) for one in gone])


WRITES: dict[type, WriteRecords] = {
    Consumer: put_consumers,
    Parked: park,
    Unparked: unpark,
    ForgottenParked: forget,
}
