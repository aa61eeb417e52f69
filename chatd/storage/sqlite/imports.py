"""What was imported before, as rows: names of rooms elsewhere, and messages by their keys."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from chatd.core.imports import ImportedRoom
from chatd.core.past_messages import KnownLog
from chatd.storage.sqlite.records import WriteRecords
from chatd.storage.sqlite.rows import SEQ_BITS, SEQ_MASK

ROOMS = """
SELECT i.name, r.name FROM json_each(?) n JOIN imported_rooms i ON i.name = n.value JOIN rooms r ON r.number = i.room
"""
ADD_ROOM = "INSERT INTO imported_rooms (name, room) VALUES (?, ?)"

# By the index of keys.
MESSAGES = """
SELECT e.user, e.client_key, e.position & 0xffffffff
FROM json_each(:keys) k CROSS JOIN events e INDEXED BY events_key
ON e.position >> 32 = :room AND e.user = k.value ->> 0 AND e.client_key = k.value ->> 1
"""
LAST_TIME = "SELECT time FROM events WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT 1"


def imported_rooms(connection: sqlite3.Connection, names: Collection[str]) -> dict[str, str]:
    """Return the rooms here by their names elsewhere."""
    return dict(connection.execute(ROOMS, (json.dumps([*names]),)))


def known_log(connection: sqlite3.Connection, room: int, keys: Collection[tuple[str, str]]) -> KnownLog:
    """Return where (author, key) of messages are in the log of a room, and the time of its last event."""
    found = connection.execute(MESSAGES, {"keys": json.dumps([*keys]), "room": room})
    seqs = {(user, key): seq for user, key, seq in found}
    last = connection.execute(LAST_TIME, (room << SEQ_BITS, room << SEQ_BITS | SEQ_MASK)).fetchone()
    return KnownLog(seqs, 0 if last is None else last[0])


def write_rooms(connection: sqlite3.Connection, rooms: Sequence[ImportedRoom], stamp: int) -> None:
    connection.executemany(ADD_ROOM, [(room.name, room.room) for room in rooms])


WRITES: Mapping[type, WriteRecords] = {ImportedRoom: write_rooms}
