"""The log and the members of all rooms as they stand in the database, whatever the daemon has in memory."""

import sqlite3

import msgpack

from tests.simulation.history import Row, Truth
from tests.simulation.hook_record import read_feed
from tests.simulation.people_record import contacts_since, rows_since
from tests.simulation.push_record import registered

# Positions of events, storage/sqlite/migrations/0001_first.sql.
SEQ_BITS = 32
ROOMS = "SELECT number, name, log_floor, deleted_by IS NOT NULL, kind FROM rooms ORDER BY number"
EVENTS = "SELECT position, stamp, client_key, blob, ignored FROM events ORDER BY position"
MEMBERS = """
SELECT m.room, m.user, iif(r.kind = 'direct', m.first_visible, max(m.first_visible, r.purged + 1)), m.read,
       m.standing, m.hidden > r.ordinal, m.first_visible, m.extras
FROM members m JOIN rooms r ON r.number = m.room WHERE m.gone IS NULL ORDER BY m.room, m.user
"""
OF_MEMBER = ("first_visible", "read", "standing", "hidden", "own")
MARK = "\x1f"  # between users in a column of several

Logs = dict[str, dict[int, Row]]


def read_truth(connection: sqlite3.Connection, folded: Logs) -> Truth:
    """Read it. `folded`: what was logged once, of which a room has lost what is below its floor."""
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    truth = Truth(meta["epoch"], {}, meta["stamp"])
    names: dict[int, str] = {}
    for number, name, floor, is_deleted, kind in connection.execute(ROOMS):
        names[number], truth.floors[name], truth.rooms[name] = name, floor, {}
        truth.channels |= {name} if kind == "channel" else set()
        truth.deleted |= {name} if is_deleted else set()
    for position, stamp, key, blob, ignored in connection.execute(EVENTS):
        truth.rooms[names[position >> SEQ_BITS]][position % (1 << SEQ_BITS)] = Row(
            stamp, key, msgpack.unpackb(blob), frozenset((ignored or "").split(MARK)) - {""}
        )
    complete(truth, folded)
    for room, user, *values, extras in connection.execute(MEMBERS):
        member = dict(zip(OF_MEMBER, values, strict=True))
        member["deleted"] = msgpack.unpackb(extras).get("deleted", []) if extras else []
        truth.members.setdefault(names[room], {})[user] = member
    truth.rows = rows_since(connection, -1) + contacts_since(connection, -1)
    for room, one, other in connection.execute("SELECT room, a, b FROM direct"):
        truth.directs[names[room]] = (one, other)
    truth.registered = registered(connection)
    read_feed(connection, truth, names)
    return truth


def complete(truth: Truth, folded: Logs) -> None:
    """Put what is gone back into the logs, and note which of it are messages."""
    for name, log in truth.rooms.items():
        lost = {seq: row for seq, row in folded.get(name, {}).items() if seq < truth.floors[name]}
        truth.gone[name] = {
            seq for seq, row in lost.items() if seq not in log and row.event["kind"] == "message"
        }
        truth.rooms[name] = dict(sorted((lost | log).items()))
        truth.sent |= {
            (row.event["user"], row.key)
            for row in truth.rooms[name].values()
            if row.event["kind"] == "message"
        }
