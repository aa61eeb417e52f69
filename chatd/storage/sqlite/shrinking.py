"""Unused pages of the database, and how they go back to the disk."""

import sqlite3

from chatd.storage.sqlite.pragmas import NEW_FILE


def shrink(connection: sqlite3.Connection, count: int) -> bool:
    """Move up to `count` unused pages out of the file; return whether that many were there.

    A database that was made without `auto_vacuum` keeps them: see `compact`.
    """
    before = unused(connection)
    # `execute` would stop at the first page.
    connection.executescript(f"PRAGMA incremental_vacuum({count:d})")
    return before - unused(connection) >= count


def unused(connection: sqlite3.Connection) -> int:
    """Return the number of pages that nothing uses."""
    (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages)


def compact(connection: sqlite3.Connection) -> None:
    """Write the database anew without unused pages, as one that shrinks. It takes as long as a copy."""
    connection.execute(f"PRAGMA auto_vacuum = {NEW_FILE['auto_vacuum']}").fetchall()
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
