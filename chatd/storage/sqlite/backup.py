"""Copying a database out while a daemon uses it, and putting a copy in place of it.

A second process never writes to a live database and never checkpoints it: before SQLite 3.51.3 that could
lose pages. A backup reads through a read-only connection; a restore takes the daemon's lock first.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from chatd.config.file_permissions import new_private_file
from chatd.storage.sqlite import schema
from chatd.storage.sqlite.connection import open_file, readable
from chatd.storage.sqlite.directory import Directory, locked, put_in_place, sync_file
from chatd.storage.sqlite.errors import StoreError, opening
from chatd.storage.sqlite.meta import new_epoch, put_meta, read_meta
from chatd.storage.sqlite.startup import check, check_header

PARTS = ("", "-wal", "-shm")  # the database, its log, and the index of that log

WAIT_S = 0.05  # before another attempt while the log is being recovered: it takes some milliseconds


def backup(source: str | Path, destination: str | Path) -> int:
    """Copy the database of directory `source`, as of one commit, to a new file; the number of that commit.

    Safe while a daemon serves it. The copy is complete in one file, checked, and on the disk when this
    returns. Raises StoreError; `destination` is then as it was before.
    """
    live, copy = Directory(source).database, Path(destination).absolute()
    Directory(source).require_database()
    if copy.exists():
        raise StoreError("in_use", copy, "the file exists", "Give a new name; backups are never overwritten")
    check_header(live)
    aside = copy.with_name(copy.name + ".partial")
    try:
        with copying(live, copy, "Keep a copy, then restore the last backup with `chatd restore`"):
            stamp = copy_out(live, aside)
            put_in_place(aside, copy)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    return stamp


@contextmanager
def copying(source: Path, destination: Path, fix: str) -> Iterator[None]:
    """StoreErrors of a copy: what is damaged is the source, with `fix`; what cannot be written is the destination."""
    try:
        with opening(destination):
            yield
    except StoreError as error:
        if error.kind in ("damaged", "foreign") and not isinstance(error.__cause__, OSError):
            raise StoreError(error.kind, source, error.what, fix) from error
        raise


def copy_out(source: Path, destination: Path) -> int:
    """Copy a database through a read-only connection into a new file; the commit it stands at.

    What an earlier attempt left there is removed. Only we may open the file, from its first byte on.
    """
    destination.unlink(missing_ok=True)
    new_private_file(destination).close()
    with closing(readable(source)) as live, closing(open_file(destination, mode="rw")) as copy:
        live.backup(copy, sleep=WAIT_S)  # all pages in one step: one read transaction, one commit's state
        return finish_copy(copy, destination)


def finish_copy(copy: sqlite3.Connection, path: Path) -> int:
    """Make a copy one self-contained file and check every page and index of it; the commit it stands at."""
    copy.execute("PRAGMA journal_mode = DELETE").fetchall()
    check(copy, "integrity_check", path)
    return int(read_meta(copy)["stamp"])


def restore(source: str | Path, directory: str | Path, random_bytes: Callable[[int], bytes]) -> str:
    """Put a backup in place as the database of `directory`; the epoch of the history that begins.

    The file is checked first, copied beside the database and swapped in by a rename: a crash leaves the old
    database, the new one, or a directory that a daemon refuses until `restore` is run again. What was there
    is kept as chatd.sqlite.replaced. Raises StoreError, "in_use" when a daemon runs on the directory; nothing of
    the backup is left beside the database then.
    """
    backup_file, place = Path(source).absolute(), Directory(directory)
    with copying(backup_file, place.path, "Nothing was changed. Give another file made by `chatd backup`"):
        verify(backup_file)
        place.prepare()
        with locked(place):
            epoch = prepare_copy(backup_file, place.restored, random_bytes)
            set_aside(place)
            put_in_place(place.restored, place.database)
    return epoch


def prepare_copy(backup_file: Path, restored: Path, random_bytes: Callable[[int], bytes]) -> str:
    """Copy a backup beside the database, whole and with the epoch it returns, or leave nothing there."""
    try:
        copy_out(backup_file, restored)
        verify(restored)  # before it is written to, which a trigger in it would hear of
        return begin_epoch(restored, random_bytes)
    except BaseException:
        for suffix in ("", "-journal"):
            beside(restored, suffix).unlink(missing_ok=True)
        raise


def verify(path: Path) -> None:
    """Refuse a file that is no backup of ours, or newer than this version."""
    if not path.is_file():
        what = "this is not a file" if path.exists() else "there is no such file"
        raise StoreError("missing", path, what, "Give a file made by `chatd backup`")
    check_header(path)
    with opening(path), closing(readable(path)) as connection:
        schema.pending(connection, schema.shipped(), path, unknown=True)


def begin_epoch(path: Path, random_bytes: Callable[[int], bytes]) -> str:
    """Tell clients by a new epoch that history moved backwards (protocol.md "Identifiers and counters")."""
    epoch = new_epoch(random_bytes)
    with closing(open_file(path, mode="rw")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        put_meta(connection, "epoch", epoch)
        put_meta(connection, "clean", 1)
        connection.execute("COMMIT")
    return epoch


def set_aside(place: Directory) -> None:
    """Move the old database and its log away together; a log must never meet a database that is not its own.

    The database goes first: a log alone is refused by every start, a database without its log would be
    believed. Where a restore was interrupted in between, this one moves what is left.
    """
    if place.database.exists():
        for suffix in PARTS:
            beside(place.replaced, suffix).unlink(missing_ok=True)
    for suffix in PARTS:
        if beside(place.database, suffix).exists():
            os.replace(beside(place.database, suffix), beside(place.replaced, suffix))
    sync_file(place.path)


def beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)
