"""The commit of a batch in one transaction, whole or not at all. It runs in the thread of the writer."""

import sqlite3

from chatd.storage.interface import KeyTaken
from chatd.storage.sqlite.write_set import Batch

ADD_EVENT = """
INSERT INTO events (position, kind, user, time, ordinal, client_key, digest, target, changed, stamp, mentions,
                    blob)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_ROOM = """
INSERT INTO rooms (number, name, kind, creator, created_at, client_key, client_digest, seq, ordinal, time,
                   last_message, uncounted, written, stamp, log_floor, members, title, avatar, public, data,
                   deleted_by, details, retain_s, purged, purged_ordinal)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

# What a message changes: no index has a column of these, or every message would write it.
CHANGE_ROOM = """
UPDATE rooms
SET seq = ?, ordinal = ?, time = ?, last_message = max(last_message, ?), uncounted = ?, written = ?, stamp = ?
WHERE number = ?
"""
ALTER_ROOM = """
UPDATE rooms
SET log_floor = ?, members = ?, title = ?, avatar = ?, public = ?, data = ?, deleted_by = ?, details = ?,
    retain_s = ?, purged = ?, purged_ordinal = ?
WHERE number = ?
"""

PUT_MEMBER = """
INSERT INTO members (user, room, role, joined_at, first_visible, read, read_ordinal, own_unread, mentions,
                     delivered, muted_until, pinned, hidden, gone, stamp, extras, standing, notify,
                     folder, unread_mark)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (room, user) DO UPDATE
SET role = excluded.role, joined_at = excluded.joined_at, first_visible = excluded.first_visible,
    read = excluded.read, read_ordinal = excluded.read_ordinal, own_unread = excluded.own_unread,
    mentions = excluded.mentions, delivered = excluded.delivered, muted_until = excluded.muted_until,
    pinned = excluded.pinned, hidden = excluded.hidden, gone = excluded.gone, stamp = excluded.stamp,
    extras = excluded.extras, standing = excluded.standing, notify = excluded.notify,
    folder = excluded.folder, unread_mark = excluded.unread_mark
"""

MOVE_USER = """
INSERT INTO memberships (user, rooms) VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET rooms = rooms + excluded.rooms
"""

# Neither changes what anybody sees, so the stamps stay.
COUNT_OWN = "UPDATE members SET own_unread = ? WHERE room = ? AND user = ?"
COUNTED_ALL = "UPDATE rooms SET uncounted = 0 WHERE number = ?"

# Of few events, so that the others need not say that nobody ignores them.
IGNORE_EVENT = "UPDATE events SET ignored = ? WHERE position = ?"
CHANGE_MESSAGE = "UPDATE events SET blob = ?, changed = ? WHERE position = ?"
ADD_UNLOGGED = "INSERT INTO unlogged (room, user, client_key, digest, time) VALUES (?, ?, ?, ?, ?)"

SET_STAMP = "UPDATE meta SET value = ? WHERE key = 'stamp'"


def commit(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write `batch` durably, or nothing of it.

    Raises KeyTaken when an idempotency key, a pair or a creation key is stored already, else the error of SQLite.
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
    # In this order: members need their room.
    steps = (
        (ADD_ROOM, batch.created),
        (CHANGE_ROOM, batch.rooms),
        (ALTER_ROOM, batch.altered),
        (PUT_MEMBER, batch.members),
        (MOVE_USER, batch.memberships),
        (COUNT_OWN, batch.counted),
        (COUNTED_ALL, batch.counted_rooms),
        (ADD_EVENT, batch.events),
        (IGNORE_EVENT, batch.ignored),
        (CHANGE_MESSAGE, batch.messages),
        (ADD_UNLOGGED, batch.unlogged),
    )
    for sql, rows in steps:
        if rows:
            connection.executemany(sql, rows)
    for write_records, records in batch.records:
        write_records(connection, records, batch.stamp)
    connection.execute(SET_STAMP, (batch.stamp,))
