"""The one write: a batch as one transaction, whole or not at all. Runs in the thread of the writer."""

import sqlite3

from chatd.core.messages import emptied
from chatd.ports import KeyTaken
from chatd.protocol.codec import decode_event
from chatd.storage.sqlite.rows import Row
from chatd.storage.sqlite.write_set import Batch

ADD_EVENT = """
INSERT INTO events (position, kind, user, time, ordinal, client_key, digest, target, changed, stamp, mentions,
                    blob)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_ROOM = """
INSERT INTO rooms (number, name, kind, creator, created_at, client_key, client_digest, seq, ordinal, time,
                   log_floor, last_message, members, title, avatar, public, data, deleted_by, uncounted, written,
                   stamp)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

CHANGE_ROOM = """
UPDATE rooms
SET seq = ?, ordinal = ?, time = ?, log_floor = ?, last_message = max(last_message, ?), members = ?,
    title = ?, avatar = ?, public = ?, data = ?, deleted_by = ?, uncounted = ?,
    written = ?, stamp = ?
WHERE number = ?
"""

PUT_MEMBER = """
INSERT INTO members (user, room, role, joined_at, first_visible, read, read_ordinal, own_unread, mentions,
                     delivered, muted_until, pinned, hidden, gone, stamp, extras)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (room, user) DO UPDATE
SET role = excluded.role, joined_at = excluded.joined_at, first_visible = excluded.first_visible,
    read = excluded.read, read_ordinal = excluded.read_ordinal, own_unread = excluded.own_unread,
    mentions = excluded.mentions, delivered = excluded.delivered, muted_until = excluded.muted_until,
    pinned = excluded.pinned, hidden = excluded.hidden, gone = excluded.gone, stamp = excluded.stamp,
    extras = excluded.extras
"""

MOVE_USER = """
INSERT INTO memberships (user, rooms) VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET rooms = rooms + excluded.rooms
"""

# Neither is news to anybody, so the stamps stay.
COUNT_OWN = "UPDATE members SET own_unread = ? WHERE room = ? AND user = ?"
COUNTED_ALL = "UPDATE rooms SET uncounted = 0 WHERE number = ?"

ADD_PAIR = "INSERT INTO direct (room, a, b) VALUES (?, ?, ?)"
CHANGE_MESSAGE = "UPDATE events SET blob = ?, changed = ? WHERE position = ?"
# Those with a body: one, as the next edit empties it.
EDITS_OF = "SELECT position, blob FROM events WHERE position >> 32 = ? AND target = ? AND position < ?"
EMPTY_EDIT = "UPDATE events SET blob = ?, target = NULL WHERE position = ?"
SET_REACTION = "INSERT INTO reactions (room, seq, user, emoji) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
CLEAR_REACTION = "DELETE FROM reactions WHERE room = ? AND seq = ? AND user = ? AND emoji = ?"

# From the floor before this one on: what lies below holds messages only, however many.
COMPACT = """
DELETE FROM events
WHERE position >= (SELECT number << 32 | log_floor FROM rooms WHERE number = ?) AND position < ?
  AND kind <> 'message'
"""

PUT_ACCOUNT = """
INSERT INTO users (user, name, avatar, version, receipts, presence, disabled, generation, revoked_before,
                   password, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user) DO UPDATE
SET name = excluded.name, avatar = excluded.avatar, version = excluded.version, receipts = excluded.receipts,
    presence = excluded.presence, disabled = excluded.disabled, generation = excluded.generation,
    revoked_before = excluded.revoked_before, password = excluded.password, created_at = excluded.created_at
"""

PUT_DEVICE = """
INSERT INTO devices (user, device, app, os, last_seen, revoked_before, removed) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user, device) DO UPDATE
SET app = excluded.app, os = excluded.os, last_seen = excluded.last_seen,
    revoked_before = excluded.revoked_before, removed = excluded.removed
"""
FORGET_DEVICE = "DELETE FROM devices WHERE user = ? AND device = ?"

ADD_UNLOGGED = "INSERT INTO unlogged (room, user, client_key, digest, time) VALUES (?, ?, ?, ?, ?)"
FORGET_UNLOGGED = "DELETE FROM unlogged WHERE time < ?"

SET_STAMP = "UPDATE meta SET value = ? WHERE key = 'stamp'"

# In this order: a fold needs the old floor of its room, members and pairs need their room.
STEPS: tuple[tuple[str, str], ...] = (
    ("compactions", COMPACT),
    ("created", ADD_ROOM),
    ("rooms", CHANGE_ROOM),
    ("members", PUT_MEMBER),
    ("memberships", MOVE_USER),
    ("counted", COUNT_OWN),
    ("counted_rooms", COUNTED_ALL),
    ("pairs", ADD_PAIR),
    ("events", ADD_EVENT),
    ("messages", CHANGE_MESSAGE),
    ("unlogged", ADD_UNLOGGED),
    ("forgotten", FORGET_UNLOGGED),
    ("accounts", PUT_ACCOUNT),
    ("devices", PUT_DEVICE),
    ("forgotten_devices", FORGET_DEVICE),
)


def commit(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write `batch` durably, or nothing of it.

    Raises KeyTaken when an idempotency key, a pair or a creation key is stored already, else what SQLite
    reports.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        write(connection, batch)
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:  # some errors end the transaction by themselves
            connection.execute("ROLLBACK")
        if is_taken_key(error):
            raise KeyTaken(str(error)) from error
        raise


def is_taken_key(error: BaseException) -> bool:
    """Whether a unique index refused; a taken primary key is a defect: two events of one number."""
    return (
        isinstance(error, sqlite3.IntegrityError)
        and error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_UNIQUE
    )


def write(connection: sqlite3.Connection, batch: Batch) -> None:
    for name, sql in STEPS:
        rows: list[Row] = getattr(batch, name)
        if rows:
            connection.executemany(sql, rows)
    for place in batch.superseded:
        empty_edits(connection, place)
    for wanted, row in batch.reactions:
        connection.execute(SET_REACTION if wanted else CLEAR_REACTION, row)
    connection.execute(SET_STAMP, (batch.stamp,))


def empty_edits(connection: sqlite3.Connection, place: Row) -> None:
    """Empty the edits of a message below a position."""
    for where, blob in connection.execute(EDITS_OF, place).fetchall():
        connection.execute(EMPTY_EDIT, (emptied(decode_event(blob)), where))
