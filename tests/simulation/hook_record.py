"""The event feed as it stands in the database, and the entries that endpoints set aside."""

import sqlite3

import msgpack

from tests.simulation.history import FeedEntry, Truth

FLOOR = "SELECT value FROM meta WHERE key = 'feed_floor'"


def read_feed(connection: sqlite3.Connection, truth: Truth, names: dict[int, str]) -> None:
    """Read it into `truth`. `names`: of rooms, by their numbers."""
    floor = connection.execute(FLOOR).fetchone()
    truth.feed_floor = None if floor is None else int(floor[0])
    for stamp, packed in connection.execute("SELECT stamp, entries FROM event_feed ORDER BY stamp"):
        for n, values in enumerate(msgpack.unpackb(packed)):
            kind, room, seq, _, marks, _ = values
            event = (names[room], seq) if seq else None
            truth.feed.append(FeedEntry(stamp, n, kind, event, frozenset(marks)))
    places = connection.execute("SELECT entry FROM parked").fetchall()
    truth.parked = frozenset(place_of(entry)[1:] for (entry,) in places)


def place_of(cursor: str) -> tuple[str, int, int]:
    """Return the epoch, the stamp and the number of a cursor."""
    epoch, stamp, n = cursor.rsplit("-", 2)
    return epoch, int(stamp), int(n)
