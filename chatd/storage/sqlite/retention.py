"""The search for messages that are older than they are kept, and what a decision on them looks at.

Every function runs inside a read transaction of the connection.
"""

import sqlite3
from collections.abc import Iterator
from itertools import takewhile

from chatd.core.policy import details_of
from chatd.core.retention import PurgeOld
from chatd.core.room import DIRECT
from chatd.storage.erasing import CountableRow, RetentionPage
from chatd.storage.sqlite.rows import SEPARATOR, position

# Events that one commit purges: a few milliseconds.
PURGED_AT_ONCE = 200
# A room that everybody reads changes for all its members when something goes: so it goes once in a while.
SLACK_PART = 24
SLACK_MAX_S = 86_400

ROOMS = """
SELECT number, name, kind, seq, retain_s, details FROM rooms
WHERE number > :after AND (retain_s > 0 OR :server_s) AND deleted_by IS NULL ORDER BY number LIMIT :limit
"""
# The same without a rule of the server, from the index.
CHOSEN = ROOMS.replace("FROM rooms", "FROM rooms INDEXED BY rooms_retained").replace(
    "(retain_s > 0 OR :server_s)", "retain_s > 0 AND NOT :server_s"
)
OLDEST = (
    "SELECT position & 0xffffffff, time FROM events WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"
)
# The first event that no clock ahead dated: those before it are at least as old, whatever they say.
BELIEVED = """
SELECT position & 0xffffffff, time FROM events WHERE position BETWEEN ? AND ? AND time <= ? ORDER BY position LIMIT 1
"""
COUNTABLE = """
SELECT position & 0xffffffff, user, ordinal, mentions, ignored FROM events
WHERE position BETWEEN ? AND ? AND ordinal IS NOT NULL ORDER BY position
"""


def old_messages(
    connection: sqlite3.Connection, now_ms: int, server_s: int, after: int, limit: int
) -> RetentionPage:
    """Return what is old in up to `limit` rooms behind the number `after`."""
    wanted = {"after": after, "server_s": server_s, "limit": limit}
    rows = connection.execute(ROOMS if server_s else CHOSEN, wanted).fetchall()
    found = []
    for number, name, kind, seq, retain_s, details in rows:
        for kept_s, low, of_room in rules(kind, retain_s, server_s, details):
            stretch = old_stretch(connection, number, (low + 1, seq), now_ms, kept_s)
            if stretch is not None:
                found.append(PurgeOld(name, *stretch, kept_s, of_room))
                break
    return RetentionPage(found, rows[-1][0] if len(rows) == limit else 0)


def rules(kind: str, retain_s: int, server_s: int, details: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield the times that messages of a room are kept, the seq up to which they stay, and whether the room says so."""
    if server_s and (kind == DIRECT or not retain_s or server_s <= retain_s):
        yield server_s, 0, False
    if retain_s and (kind == DIRECT or not server_s or retain_s < server_s):
        yield retain_s, details_of(details).kept, True


def old_stretch(
    connection: sqlite3.Connection, room: int, span: tuple[int, int], now_ms: int, kept_s: int
) -> tuple[int, int] | None:
    """Return the first and the last of the oldest events of a span that are old, as many as one commit purges."""
    low, high = position(room, span[0]), position(room, span[1])
    rows = connection.execute(OLDEST, (low, high, PURGED_AT_ONCE)).fetchall()
    first = rows[0] if rows else None
    if first is not None and first[1] > now_ms:
        first = connection.execute(BELIEVED, (low, high, now_ms)).fetchone()
    slack_ms = 1000 * min(kept_s // SLACK_PART, SLACK_MAX_S)
    if first is None or first[1] >= now_ms - kept_s * 1000 - slack_ms:
        return None
    certain, limit_ms = first[0], now_ms - kept_s * 1000
    old = [seq for seq, _ in takewhile(lambda row: row[0] <= certain or row[1] < limit_ms, rows)]
    return old[0], old[-1]


def countable(connection: sqlite3.Connection, room: int, low: int, high: int) -> list[CountableRow]:
    """Return the countable messages of a stretch, in ascending order."""
    rows = connection.execute(COUNTABLE, (position(room, low), position(room, high)))
    return [
        CountableRow(seq, user or "", ordinal, names(mentions), names(ignored))
        for seq, user, ordinal, mentions, ignored in rows
    ]


def names(stored: str | None) -> tuple[str, ...]:
    """Return the names that stand between separators; a `*` stands alone."""
    return tuple(filter(None, (stored or "").split(SEPARATOR)))
