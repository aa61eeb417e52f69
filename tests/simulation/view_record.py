"""What members see of their rooms, as each commit left it, and what was logged: from the database alone."""

import sqlite3
from collections.abc import Iterator

import msgpack

from tests.simulation.history import Row, ViewVersion

VIEWS = """
SELECT m.user, r.name, m.first_visible, iif(r.kind = 'direct', 0, r.purged), m.extras,
       m.gone IS NULL AND r.deleted_by IS NULL, r.kind <> 'direct' AND m.standing = 1
FROM members m JOIN rooms r ON r.number = m.room
"""
# An erasure rewrites what was logged long ago, and leaves its stamp.
LOGGED = """
SELECT r.name, e.position & 0xffffffff, e.stamp, e.client_key, e.blob, e.ignored
FROM events e JOIN rooms r ON r.number = e.position >> 32 WHERE e.stamp > ? OR e.kind = 'erased'
"""
ROOMS = "SELECT number, name, kind, retain_s, details FROM rooms WHERE deleted_by IS NULL"
# The first event of a stretch; but those that a clock ahead dated say nothing.
FIRST = "SELECT time FROM events WHERE position > ? AND position <= ? AND time <= ? ORDER BY position LIMIT 1"
SLACK_PART = 24
MARK = "\x1f"  # between users in a column of several

Known = dict[tuple[str, str], ViewVersion]


def views_since(
    connection: sqlite3.Connection, known: Known, stamp: int, at: float, boot: int
) -> list[ViewVersion]:
    """Return the views that differ from the known ones, and know them."""
    found = []
    for user, room, own, purged, extras, member, listed in connection.execute(VIEWS):
        ranges = msgpack.unpackb(extras).get("deleted", []) if extras else []
        seen = (own, max(own, purged + 1), ranges, bool(member), bool(listed))
        before = known.get((user, room))
        if before is None or before[5:] != seen:
            known[user, room] = ViewVersion(stamp, at, boot, user, room, *seen)
            found.append(known[user, room])
    return found


def logged_since(connection: sqlite3.Connection, stamp: int) -> Iterator[tuple[str, int, Row]]:
    """Yield the events of later commits, and all that are erased."""
    for room, seq, at, key, blob, ignored in connection.execute(LOGGED, (stamp,)):
        yield room, seq, Row(at, key, msgpack.unpackb(blob), frozenset((ignored or "").split(MARK)) - {""})


def kept_too_long(
    connection: sqlite3.Connection, now_ms: int, server_s: int, before: dict[str, int]
) -> Iterator[str]:
    """Yield the rooms that have what is older than they keep. `before`: the times they chose before the purge."""
    for number, name, kind, chosen_s, details in connection.execute(ROOMS).fetchall():
        if before.get(name) != chosen_s:
            continue
        rules = [(min(filter(None, (chosen_s, server_s)), default=0), 0)]
        if kind == "direct":
            rules = [(server_s, 0), (chosen_s, msgpack.unpackb(details).get("kept", 0) if details else 0)]
        for seconds, behind in rules:
            place = (number << 32 | behind, number << 32 | 0xFFFFFFFF, now_ms)
            (first,) = connection.execute(FIRST, place).fetchone() or (now_ms,)
            if seconds and first < now_ms - 1000 * (seconds + seconds // SLACK_PART):
                yield f"{name} has an event of {first}, {now_ms - first} ms old, and keeps {seconds} s"


def chosen(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the seconds that each room chose."""
    return dict(connection.execute("SELECT name, retain_s FROM rooms"))
