"""The removal of content from the log, as core/removal.py decides it: the only statements that take away a text."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatd.core.removal import FoldedLog, SupersededEdits, emptied
from chatd.protocol.codec import decode_event
from chatd.storage.sqlite.rows import position

# The edits with a body: at most one, as the next edit empties it.
EDITS_OF = "SELECT position, blob FROM events WHERE position >> 32 = ? AND target = ? AND position < ?"
EMPTY_EDIT = "UPDATE events SET blob = ?, target = NULL WHERE position = ?"

# From the last floor on: below it there are only messages, however many.
FOLD = "DELETE FROM events WHERE position >= ? AND position < ? AND kind <> 'message'"


def write_superseded(
    connection: sqlite3.Connection, superseded: Sequence[SupersededEdits], stamp: int
) -> None:
    """Empty the superseded edits of messages."""
    for edits in superseded:
        bounds = (edits.room, edits.target, position(edits.room, edits.seq))
        for edit_position, blob in connection.execute(EDITS_OF, bounds).fetchall():
            connection.execute(EMPTY_EDIT, (emptied(decode_event(blob)), edit_position))


def write_folds(connection: sqlite3.Connection, folds: Sequence[FoldedLog], stamp: int) -> None:
    bounds = [(position(fold.room, fold.low), position(fold.room, fold.floor)) for fold in folds]
    connection.executemany(FOLD, bounds)


WRITES: Mapping[type, Callable[[sqlite3.Connection, Sequence[Any], int], None]] = {
    SupersededEdits: write_superseded,
    FoldedLog: write_folds,
}
