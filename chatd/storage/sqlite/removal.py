"""The removal of content from the log, as core/removal.py decides it: the only statements that take away a text."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chatd.core.drafts import draft_of
from chatd.core.removal import (
    DeletedRoom,
    ErasedReactions,
    FoldedLog,
    PurgedLog,
    PurgedStretch,
    RecalledComment,
    SupersededEdits,
    emptied,
    erased,
)
from chatd.protocol.codec import decode_event
from chatd.storage.sqlite.rows import position

# The edits with a body: at most one, as the next edit empties it.
EDITS_OF = "SELECT position, blob FROM events WHERE position >> 32 = ? AND target = ? AND position < ?"
# Edits that carry a text of messages that go, and are younger.
EDITS_OF_STRETCH = """
SELECT position, blob FROM events
WHERE position >> 32 = :room AND target BETWEEN :low AND :high AND position > :room << 32 | :high
"""
# Drafts that became messages that go: the key, by which one knows that they are over, may go as well.
DRAFTS_OF_STRETCH = """
SELECT s.number, s.body, e.client_key FROM events e JOIN section_rows s
  ON s.user = e.user AND s.section = 'drafts' AND s.name = (SELECT name FROM rooms WHERE number = :room)
WHERE e.position BETWEEN :room << 32 | :low AND :room << 32 | :high AND e.client_key IS NOT NULL AND s.body IS NOT NULL
"""
END_DRAFT = "UPDATE section_rows SET body = NULL, stamp = ? WHERE number = ?"
# The column `target` of a comment says its post (storage/sqlite/comments.py).
RECALL_COMMENT = "UPDATE events SET target = NULL WHERE position = ?"
EMPTY_EDIT = "UPDATE events SET blob = ?, target = NULL WHERE position = ?"

# From the last floor on: below it there are only messages, however many.
FOLD = "DELETE FROM events WHERE position >= ? AND position < ? AND kind <> 'message'"

REACTION = "SELECT blob FROM events WHERE position = ? AND user = ? AND kind IN ('reaction', 'nickname')"
ERASE_REACTION = (
    "UPDATE events SET kind = 'erased', client_key = NULL, digest = NULL, blob = ? WHERE position = ?"
)

DELETE_ROOM = "INSERT INTO deleted_rooms VALUES (?, ?) ON CONFLICT DO NOTHING"
# Rows that one commit deletes: a few milliseconds.
PURGED_AT_ONCE = 500
PURGES = (
    """
    DELETE FROM events WHERE position IN (
        SELECT position FROM events WHERE position BETWEEN :room << 32 AND :room << 32 | 0xffffffff LIMIT :limit
    )
    """,
    """
    DELETE FROM reactions WHERE (room, seq, user, emoji) IN (
        SELECT room, seq, user, emoji FROM reactions WHERE room = :room LIMIT :limit
    )
    """,
    """
    DELETE FROM unlogged WHERE (room, user, client_key) IN (
        SELECT room, user, client_key FROM unlogged WHERE room = :room LIMIT :limit
    )
    """,
)
PURGE_STRETCH = (
    """
    INSERT OR IGNORE INTO unlogged (room, user, client_key, digest, time)
    SELECT :room, coalesce(user, ''), client_key, coalesce(digest, 0), time FROM events
    WHERE position BETWEEN :room << 32 | :low AND :room << 32 | :high AND client_key IS NOT NULL AND time >= :keys_since
    """,
    "DELETE FROM reactions WHERE room = :room AND seq BETWEEN :low AND :high",
    "DELETE FROM events WHERE position BETWEEN :room << 32 | :low AND :room << 32 | :high",
)
PURGED = """
DELETE FROM deleted_rooms WHERE room = :room AND NOT EXISTS (
    SELECT 1 FROM attached WHERE position BETWEEN :room << 32 AND :room << 32 | 0xffffffff
)
"""


def write_superseded(
    connection: sqlite3.Connection, superseded: Sequence[SupersededEdits], stamp: int
) -> None:
    """Empty the superseded edits of messages."""
    for edits in superseded:
        bounds = (edits.room, edits.target, position(edits.room, edits.seq))
        for edit_position, blob in connection.execute(EDITS_OF, bounds).fetchall():
            connection.execute(EMPTY_EDIT, (emptied(decode_event(blob)), edit_position))


def write_recalled(connection: sqlite3.Connection, recalled: Sequence[RecalledComment], stamp: int) -> None:
    connection.executemany(RECALL_COMMENT, [(position(one.room, one.seq),) for one in recalled])


def write_folds(connection: sqlite3.Connection, folds: Sequence[FoldedLog], stamp: int) -> None:
    bounds = [(position(fold.room, fold.low), position(fold.room, fold.floor)) for fold in folds]
    connection.executemany(FOLD, bounds)


def write_erased_reactions(
    connection: sqlite3.Connection, reactions: Sequence[ErasedReactions], stamp: int
) -> None:
    """Put an event that says nothing in the place of those that say how a person reacted, or was called."""
    for some in reactions:
        for seq in some.seqs:
            place = position(some.room, seq)
            row = connection.execute(REACTION, (place, some.person)).fetchone()
            if row is not None:
                connection.execute(ERASE_REACTION, (erased(decode_event(row[0])), place))


def write_deleted_rooms(connection: sqlite3.Connection, rooms: Sequence[DeletedRoom], stamp: int) -> None:
    connection.executemany(DELETE_ROOM, [(room.room, room.time) for room in rooms])


def write_purges(connection: sqlite3.Connection, purged: Sequence[PurgedLog], stamp: int) -> None:
    """Delete some rows of rooms; a room of which none is left is purged."""
    for log in {log.room for log in purged}:
        asked = {"room": log, "limit": PURGED_AT_ONCE}
        if not sum(connection.execute(sql, asked).rowcount for sql in PURGES):
            connection.execute(PURGED, {"room": log})


def write_stretches(connection: sqlite3.Connection, stretches: Sequence[PurgedStretch], stamp: int) -> None:
    for stretch in map(asdict, stretches):
        for number, body, key in connection.execute(DRAFTS_OF_STRETCH, stretch).fetchall():
            if draft_of(body).key == key:
                connection.execute(END_DRAFT, (stamp, number))
        for sql in PURGE_STRETCH:
            connection.execute(sql, stretch)
        for edit_position, blob in connection.execute(EDITS_OF_STRETCH, stretch).fetchall():
            connection.execute(EMPTY_EDIT, (emptied(decode_event(blob)), edit_position))


WRITES: Mapping[type, Callable[[sqlite3.Connection, Sequence[Any], int], None]] = {
    SupersededEdits: write_superseded,
    RecalledComment: write_recalled,
    FoldedLog: write_folds,
    ErasedReactions: write_erased_reactions,
    DeletedRoom: write_deleted_rooms,
    PurgedLog: write_purges,
    PurgedStretch: write_stretches,
}
