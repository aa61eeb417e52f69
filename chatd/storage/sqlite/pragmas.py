"""The SQLite settings of each connection, set and read back: one that did not take is an error."""

import sqlite3
from pathlib import Path

from chatd.storage.sqlite.errors import StoreError

APPLICATION_ID = 0x63686174  # "chat" in ASCII: tells our files from other SQLite files
BUSY_TIMEOUT_MS = 5000  # only a foreign program can hold a lock; a copy tool lets go within seconds
WAL_BYTES_MAX = 64 << 20  # a log that grew under a long read is cut to this at the next reset

# Both: SQLite trusts nothing that stands in the file; memory is bounded; pages are read, never mapped: a
# mapped page turns an I/O error into a dead process and a stray pointer into a damaged file.
COMMON: dict[str, int | str] = {
    "busy_timeout": BUSY_TIMEOUT_MS,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "temp_store": 2,  # MEMORY: sorting a page of rooms needs no file
    "mmap_size": 0,
}

# Stands in the file from its first page on; later only a copy of the whole could bring it. What is deleted leaves free
# pages, and so they can be given back a few at a time.
NEW_FILE: dict[str, int | str] = {"auto_vacuum": 2}  # INCREMENTAL

WRITER: dict[str, int | str] = {
    **COMMON,
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: a commit returns when it is on the disk
    "fullfsync": 1,  # macOS flushes the drive's own cache only when asked; no effect elsewhere
    "checkpoint_fullfsync": 1,
    # Pages, 32 MiB: the end of a lively log is rewritten many times before it is folded in once. Nothing is committed
    # meanwhile, some 15 ms; twice as many pages are folded in half as often, and are fewer in all, but take 25.
    "wal_autocheckpoint": 8192,
    "journal_size_limit": WAL_BYTES_MAX,
    "secure_delete": 1,  # recalled text is overwritten, not only unlinked
    "cache_size": -16384,  # KiB: the pages a busy hour touches, whatever the size of the database
}

READER: dict[str, int | str] = {
    **COMMON,
    "query_only": 1,
    "wal_autocheckpoint": 0,  # the writer alone checkpoints: before SQLite 3.51.3 two that do can lose pages
    "cache_size": -8192,
}


def apply(connection: sqlite3.Connection, settings: dict[str, int | str], where: Path) -> None:
    """Set `settings` on `connection`, read each back; StoreError("unsupported") for one that did not take."""
    for name, value in settings.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
    for name, value in settings.items():
        row = connection.execute(f"PRAGMA {name}").fetchone()
        if row is None and name == "mmap_size":  # built without memory mapping
            continue
        if row is None or row[0] != value:
            raise StoreError(
                "unsupported",
                where,
                f"SQLite kept {name} at {row and row[0]} instead of {value}",
                "Use a local disk and the SQLite library that comes with Python",
            )
