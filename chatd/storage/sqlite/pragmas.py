"""The SQLite settings of each connection, set and read back: a setting without effect is an error."""

import sqlite3
from pathlib import Path

from chatd.storage.sqlite.errors import StoreError

# "chat" in ASCII: tells the files of chatd from other SQLite files.
APPLICATION_ID = 0x63686174
# Only another program can hold a lock; a copy tool releases it within seconds.
BUSY_TIMEOUT_MS = 5000
# A log that grew during a long read is cut to this at the next reset.
WAL_BYTES_MAX = 64 << 20

# Of all connections. SQLite does not trust the schema in the file, memory is bounded, and pages are read, never mapped:
# with a mapped page an I/O error kills the process, and a stray pointer damages the file.
COMMON: dict[str, int | str] = {
    "busy_timeout": BUSY_TIMEOUT_MS,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "temp_store": 2,  # MEMORY: sorting a page of rooms needs no file
    "mmap_size": 0,
}

# Set in an empty file; later it would take a copy of the whole. It allows to return free pages a few at a time.
NEW_FILE: dict[str, int | str] = {"auto_vacuum": 2}  # INCREMENTAL

WRITER: dict[str, int | str] = {
    **COMMON,
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: a commit returns when it is on the disk
    # macOS flushes the cache of the drive only when asked to; no effect elsewhere.
    "fullfsync": 1,
    "checkpoint_fullfsync": 1,
    # Pages, 32 MiB: a busy page is rewritten in the log many times before a checkpoint writes it once. A checkpoint
    # delays commits by some 15 ms; with twice as many pages it comes half as often and writes less in all, but takes
    # 25 ms.
    "wal_autocheckpoint": 8192,
    "journal_size_limit": WAL_BYTES_MAX,
    # Recalled text is overwritten, not only unlinked.
    "secure_delete": 1,
    # KiB: the pages that are used in a busy hour, whatever the size of the database.
    "cache_size": -16384,
}

READER: dict[str, int | str] = {
    **COMMON,
    "query_only": 1,
    # Only the writer checkpoints: before SQLite 3.51.3 two that do can lose pages.
    "wal_autocheckpoint": 0,
    "cache_size": -8192,
}


def apply(connection: sqlite3.Connection, settings: dict[str, int | str], where: Path) -> None:
    """Set `settings` on `connection` and read each back; raise StoreError("unsupported") for one without effect."""
    for name, value in settings.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
    for name, value in settings.items():
        row = connection.execute(f"PRAGMA {name}").fetchone()
        # This SQLite was built without memory mapping.
        if row is None and name == "mmap_size":
            continue
        if row is None or row[0] != value:
            raise StoreError(
                "unsupported",
                where,
                f"SQLite kept {name} at {row and row[0]} instead of {value}",
                "Use a local disk and the SQLite library that comes with Python",
            )
