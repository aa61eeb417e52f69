"""The rows of the host's API: its keys, its audit, and the rooms of a user as it lists them."""

import sqlite3
from collections.abc import Sequence

from chatd.core.api_keys import ApiKey, DeletedKey
from chatd.core.audit import Audit, ForgottenAudit
from chatd.core.policy import details_of
from chatd.storage.sqlite.room_rows import UNREAD
from chatd.storage.views import HostRoom, UserRoom

# Rows that one commit deletes: some 10 ms.
FORGOTTEN_AT_ONCE = 5000

KEYS = "SELECT id, name, scopes, digest, created_at, expires_at, earlier, earlier_until FROM api_keys ORDER BY name"
PUT_KEY = """
INSERT INTO api_keys (id, name, scopes, digest, created_at, expires_at, earlier, earlier_until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE
SET digest = excluded.digest, earlier = excluded.earlier, earlier_until = excluded.earlier_until
"""
DELETE_KEY = "DELETE FROM api_keys WHERE id = ?"

ADD_AUDIT = "INSERT INTO audit (time, key, action, target, request, acted_as) VALUES (?, ?, ?, ?, ?, ?)"
# Numbers rise with time, so the oldest are the first.
FORGET_AUDIT = (
    "DELETE FROM audit WHERE number IN (SELECT number FROM audit ORDER BY number LIMIT ?) AND time < ?"
)
AUDIT_AS = """
SELECT key, action, target, request, acted_as, time, number FROM audit
WHERE acted_as = ? AND acted_as <> '' AND ? IN ('', target) AND number < ? ORDER BY number DESC LIMIT ?
"""
OLDEST_AUDIT = "SELECT time FROM audit ORDER BY number LIMIT 1"
AUDIT = """
SELECT key, action, target, request, acted_as, time, number FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?
"""
AUDIT_OF = """
SELECT key, action, target, request, acted_as, time, number FROM audit
WHERE target = ? AND number < ? ORDER BY number DESC LIMIT ?
"""

ROOMS = f"""
SELECT r.name, r.kind, r.title, r.members, m.role, m.joined_at, {UNREAD}, m.mentions, m.read, r.seq,
       iif(d.a = m.user, d.b, d.a), r.number
FROM members m JOIN rooms r ON r.number = m.room LEFT JOIN direct d ON d.room = m.room
WHERE m.user = ? AND m.gone IS NULL AND m.room > ? ORDER BY m.room LIMIT ?
"""  # noqa: S608 - put together from constants

ROOM = """
SELECT r.name, r.kind, r.title, r.avatar, r.public, r.data, r.members, r.seq, r.ordinal, r.time, r.created_at,
       r.creator, r.details, d.a, d.b
FROM rooms r LEFT JOIN direct d ON d.room = r.number WHERE r.name = ? AND r.deleted_by IS NULL
"""


def keys(connection: sqlite3.Connection) -> list[ApiKey]:
    return [ApiKey(row[0], row[1], tuple(row[2].split()), *row[3:]) for row in connection.execute(KEYS)]


def audit(
    connection: sqlite3.Connection, target: str, below: int, limit: int, acted_as: str = ""
) -> list[Audit]:
    """Return entries, the newest first; of one target, or in the place of one user, unless these are empty."""
    if acted_as:
        return [Audit(*row) for row in connection.execute(AUDIT_AS, (acted_as, target, below, limit))]
    if target:
        return [Audit(*row) for row in connection.execute(AUDIT_OF, (target, below, limit))]
    return [Audit(*row) for row in connection.execute(AUDIT, (below, limit))]


def oldest_audit(connection: sqlite3.Connection) -> int:
    """Return the time of the oldest entry; 0 when there is none."""
    return next((time for (time,) in connection.execute(OLDEST_AUDIT)), 0)


def rooms(connection: sqlite3.Connection, user: str, after: int, limit: int) -> list[UserRoom]:
    return [UserRoom(*row) for row in connection.execute(ROOMS, (user, after, limit))]


def room(connection: sqlite3.Connection, name: str) -> HostRoom | None:
    found = connection.execute(ROOM, (name,)).fetchone()
    if found is None:
        return None
    *row, details, one, other = found
    users = None if one is None else (one, other)
    return HostRoom._make((*row, users, details_of(details)))._replace(public=bool(row[4]))


def write_keys(connection: sqlite3.Connection, changed: Sequence[ApiKey], stamp: int) -> None:
    rows = [
        (
            key.id,
            key.name,
            " ".join(key.scopes),
            key.digest,
            key.created_at,
            key.expires_at,
            key.earlier,
            key.earlier_until,
        )
        for key in changed
    ]
    connection.executemany(PUT_KEY, rows)


def delete_keys(connection: sqlite3.Connection, deleted: Sequence[DeletedKey], stamp: int) -> None:
    connection.executemany(DELETE_KEY, [(key.id,) for key in deleted])


def add_audit(connection: sqlite3.Connection, entries: Sequence[Audit], stamp: int) -> None:
    rows = [
        (entry.time, entry.key, entry.action, entry.target, entry.request, entry.acted_as)
        for entry in entries
    ]
    connection.executemany(ADD_AUDIT, rows)


def forget_audit(connection: sqlite3.Connection, forgotten: Sequence[ForgottenAudit], stamp: int) -> None:
    for one in forgotten:
        connection.execute(FORGET_AUDIT, (FORGOTTEN_AT_ONCE, one.before))
