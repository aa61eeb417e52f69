"""Registrations and badges as they stand in the database, read without the code of the product."""

import sqlite3

from tests.simulation.history import Registered
from tests.simulation.hook_record import place_of

CURSOR = "SELECT cursor FROM consumers WHERE name = ':push'"
TOKENS = "SELECT token, user, device FROM push_tokens ORDER BY token"
# The unread messages of each member of each room, and those that name them, counted in the log itself.
UNREAD = """
SELECT m.user, m.unread_mark, iif(r.kind = 'channel' AND m.notify = '', 'mentions', m.notify),
       iif(m.folder = 1, 1, m.muted_until), count(e.position) AS unread,
       count(iif(e.mentions = '*' OR instr(char(31) || e.mentions || char(31), char(31) || m.user || char(31)),
                 1, NULL))
FROM members m JOIN rooms r ON r.number = m.room
LEFT JOIN events e
  ON e.position >= (m.room << 32) + max(m.read + 1, m.first_visible) AND e.position < ((m.room + 1) << 32)
  AND e.ordinal IS NOT NULL AND e.user <> m.user
  AND NOT instr(char(31) || coalesce(e.ignored, '') || char(31), char(31) || m.user || char(31))
WHERE m.gone IS NULL AND r.deleted_by IS NULL AND m.hidden <= r.ordinal
  AND (m.standing = 1 OR (m.standing = 0 AND r.written))
GROUP BY m.room, m.user
"""


def registered(connection: sqlite3.Connection) -> list[Registered]:
    return [Registered(*row) for row in connection.execute(TOKENS)]


def decided(connection: sqlite3.Connection) -> int:
    """Return the commit up to which everything is sent, or will never be."""
    found = connection.execute(CURSOR).fetchone()
    return 0 if found is None else place_of(found[0])[1]


def badges(connection: sqlite3.Connection, now_ms: int) -> dict[str, int]:
    """Return the badge of every user who has one, by protocol.md "Which messages alert"."""
    found: dict[str, int] = {}
    for user, marked, notify, muted_until, unread, named in connection.execute(UNREAD):
        muted = muted_until == 1 or muted_until > now_ms
        share = 0 if notify == "none" else named if notify == "mentions" or muted else unread
        found[user] = found.get(user, 0) + max(share, marked)
    return found
