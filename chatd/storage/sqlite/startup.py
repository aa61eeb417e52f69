"""The start with a database: its checks, which come before any write, and its migration."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from chatd.config.file_permissions import new_private_file
from chatd.storage.sqlite import schema
from chatd.storage.sqlite.connection import open_file, readable
from chatd.storage.sqlite.directory import Directory, put_in_place
from chatd.storage.sqlite.errors import OPENING, StoreError, opening
from chatd.storage.sqlite.meta import begin_history, mark_open, new_epoch, read_meta
from chatd.storage.sqlite.pragmas import APPLICATION_ID, NEW_FILE, apply
from chatd.storage.sqlite.sampling import first_finding
from chatd.storage.sqlite.schema import Migration
from chatd.storage.sqlite.wal import check_log

# 64 MiB, some 0.2 s of one core at a start.
WHOLE_PAGES_MAX = 16_384

# It has STRICT tables and built-in JSON; Debian 12 has 3.40.
SQLITE_MIN = (3, 38, 0)

# Before it, two programs that write or checkpoint at once can lose pages of the log.
WAL_RESET_FIXED = (3, 51, 3)

log = logging.getLogger("chatd.storage")


def make_ready(
    directory: Directory, random_bytes: Callable[[int], bytes], migrations: Sequence[Migration] = ()
) -> None:
    """Check that there is a whole database of chatd with a known schema; make one when the directory is new.

    `migrations`: all known ones, those of this package unless given. The caller holds the lock. Raises StoreError; a
    file that is refused is left as it was.
    """
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        raise StoreError(
            "unsupported",
            directory.path,
            f"SQLite {sqlite3.sqlite_version} is too old",
            "Use a Python with SQLite 3.38 or later",
        )
    if sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        log.info("SQLite %s: let no other program write %s", sqlite3.sqlite_version, directory.database.name)
    if not directory.database.exists():
        create(directory, random_bytes, migrations)
    inspect(directory.database, migrations)


def create(
    directory: Directory, random_bytes: Callable[[int], bytes], migrations: Sequence[Migration] = ()
) -> None:
    """Make an empty database under another name and rename it when it is whole, so that a partial file is damage."""
    left = directory.remains()
    if left:
        names = ", ".join(path.name for path in left)
        raise StoreError(
            "damaged",
            directory.path,
            f"there is no chatd.sqlite, but there is {names}: a restore was interrupted, or a file was lost",
            "Run `chatd restore` again, or bring the file back; empty the directory to start afresh",
        )
    with opening(directory.path):
        directory.fresh.unlink(missing_ok=True)
        new_private_file(directory.fresh).close()
        with closing(open_file(directory.fresh, mode="rw")) as connection:
            apply(connection, NEW_FILE, directory.fresh)
            schema.up(connection, migrations or schema.shipped(), directory.fresh)
            begin_history(connection, new_epoch(random_bytes))
        put_in_place(directory.fresh, directory.database)


def inspect(path: Path, migrations: Sequence[Migration] = ()) -> None:
    """Refuse a file that is not of chatd, of a later version, or damaged. A refused file is not changed.

    A transaction that a crash at the first start cut off is rolled back before, as SQLite does when it may write.
    """
    check_header(path)
    with opening(path):
        Directory(path.parent).require_private_files()
    finish_rollback(path)
    with opening(path), closing(readable(path)) as connection:
        schema.pending(connection, migrations or schema.shipped(), path)
        check_log(connection, path)
        if read_meta(connection).get("clean") != 1:
            log.warning("the last stop was unclean: checking the database")
            check(connection, "quick_check", path)
        else:
            check_closed(connection, path)


def finish_rollback(path: Path) -> None:
    """Roll back the transaction that a crash cut off before the database was switched to a write-ahead log.

    Until then SQLite keeps a rollback journal, which read-only connections can neither apply nor ignore.
    """
    if path.with_name(path.name + "-journal").exists():
        with opening(path), closing(open_file(path, mode="rw")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def check_header(path: Path) -> None:
    """Refuse a file whose first 100 bytes are not of a database of chatd (sqlite.org/fileformat2.html, 1.3)."""
    with opening(path), path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100:
        raise StoreError(
            "damaged",
            path,
            f"the file ends after {len(header)} bytes",
            "Nothing was changed. Restore the last backup with `chatd restore`",
        )
    if header[:16] != b"SQLite format 3\0" or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StoreError(
            "foreign",
            path,
            "this is not a database of chatd",
            "Give another storage.directory, or move the file away",
        )


def check(connection: sqlite3.Connection, how: str, path: Path) -> None:
    """Run `quick_check` or `integrity_check`; raise StoreError("damaged") with the first finding."""
    finding = connection.execute(f"PRAGMA {how}(1)").fetchone()[0]
    if finding != "ok":
        raise damaged(path, finding)


def damaged(path: Path, finding: str) -> StoreError:
    kind, what, fix = OPENING[sqlite3.SQLITE_CORRUPT]
    return StoreError(kind, path, f"{what} ({finding})", fix)


def check_closed(connection: sqlite3.Connection, path: Path) -> None:
    """Check a database after a clean stop: whole when it is small, else a sample; raise StoreError("damaged").

    A disk can lose or change data without an unclean stop.
    """
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    # Not empty when a program used the database while no daemon did.
    log_file = path.with_name(path.name + "-wal")
    if pages <= WHOLE_PAGES_MAX or (log_file.exists() and log_file.stat().st_size):
        check(connection, "quick_check", path)
    elif finding := first_finding(connection, path):
        raise damaged(path, finding)


def take_over(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = ()
) -> tuple[str, int, int]:
    """Bring the schema up to date and note that a daemon runs; return epoch, last commit, last room number."""
    with opening(path):
        for name in schema.up(connection, migrations or schema.shipped(), path):
            log.info("applied %s", name)
        mark_open(connection)
        meta = read_meta(connection)
        (room,) = connection.execute("SELECT coalesce(max(number), 0) FROM rooms").fetchone()
    return str(meta["epoch"]), int(meta["stamp"]), room
