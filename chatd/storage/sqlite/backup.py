"""Backup and restore: a copy of a database that a daemon uses, and a copy put in place of a database.

A second process never writes to a live database and never checkpoints it: before SQLite 3.51.3 that could lose pages.
A backup reads through a read-only connection; a restore takes the daemon's lock first.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from chatd.config.file_permissions import new_private_file
from chatd.storage.erasing import ListedErasure
from chatd.storage.person_files import LISTED, FilesOfPersons, add_to_list, read_list
from chatd.storage.sqlite import schema
from chatd.storage.sqlite.connection import open_file, readable
from chatd.storage.sqlite.directory import Directory, locked, put_in_place, sync_file
from chatd.storage.sqlite.erasures import listed_in
from chatd.storage.sqlite.errors import StoreError, opening
from chatd.storage.sqlite.meta import leave_epoch, new_epoch, put_meta, read_meta
from chatd.storage.sqlite.startup import check, check_header

# The database, its log, and the index of that log.
PARTS = ("", "-wal", "-shm")

# Before another attempt while the log is being recovered, which takes some milliseconds.
WAIT_S = 0.05


def backup(source: str | Path, destination: str | Path) -> int:
    """Copy the database of directory `source`, as of one commit, to a new file; return the number of that commit.

    Safe while a daemon serves it. When this returns the copy is complete in one file, checked, and on the disk. Raises
    StoreError; `destination` is then as it was before.
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
    """Turn errors of a copy into StoreErrors: of `source`, with `fix`, when it is damaged, else of `destination`."""
    try:
        with opening(destination):
            yield
    except StoreError as error:
        if error.kind in ("damaged", "foreign") and not isinstance(error.__cause__, OSError):
            raise StoreError(error.kind, source, error.what, fix) from error
        raise


def copy_out(source: Path, destination: Path) -> int:
    """Copy a database through a read-only connection into a new file; return the number of its last commit.

    The file of an earlier attempt is removed. Only our user may open the new one, from its first byte on.
    """
    destination.unlink(missing_ok=True)
    new_private_file(destination).close()
    with closing(readable(source)) as live, closing(open_file(destination, mode="rw")) as copy:
        # All pages in one step, so in one read transaction, which sees one commit.
        live.backup(copy, sleep=WAIT_S)
        return finish_copy(copy, destination)


def finish_copy(copy: sqlite3.Connection, path: Path) -> int:
    """Make a copy one self-contained file and check all its pages and indexes; return the number of its last commit."""
    copy.execute("PRAGMA journal_mode = DELETE").fetchall()
    check(copy, "integrity_check", path)
    return int(read_meta(copy)["stamp"])


def restore(
    source: str | Path,
    directory: str | Path,
    random_bytes: Callable[[int], bytes],
    erasures: Sequence[Path] = (),
) -> str:
    """Put a backup in place as the database of `directory`; return the epoch of its history from now on.

    The list of erasures beside it gets those of the backup and of the lists in `erasures`: what comes back is erased
    by the next daemon, before it lets anybody in.

    The file is checked, copied beside the database and renamed: a crash leaves the old database, the new one, or a
    directory that a daemon refuses until `restore` is run again. The old database is kept as chatd.sqlite.replaced.
    Raises StoreError, "in_use" when a daemon runs on the directory; nothing of the backup is left beside the database
    then.
    """
    backup_file, target = Path(source).absolute(), Directory(directory)
    with copying(backup_file, target.path, "Nothing was changed. Give another file made by `chatd backup`"):
        verify(backup_file)
        target.prepare()
        with locked(target):
            epoch = prepare_copy(backup_file, target.restored, random_bytes)
            unite_lists(target, erasures)
            set_aside(target)
            put_in_place(target.restored, target.database)
    return epoch


def unite_lists(target: Directory, lists: Sequence[Path]) -> None:
    """Add to the list of erasures beside the database those of the backup, and of `lists`.

    Raises StoreError when one cannot be read: whoever names a list means that nobody in it may come back.
    """
    files = FilesOfPersons(target.path)
    found = [one for path in lists for one in read_given(path)]
    with opening(target.restored), closing(readable(target.restored)) as connection:
        found += listed_in(connection)
    known = set(files.listed())
    if new := [one for one in dict.fromkeys(found) if one not in known]:
        add_to_list(target.path / LISTED, new)


def read_given(path: Path) -> list[ListedErasure]:
    fix = "Nothing was changed. Give a list as erasures.jsonl or GET /v1/erasures has it"
    try:
        if not path.is_file():
            raise StoreError("missing", path, "there is no such file", fix)
        return read_list(path)
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError("damaged", path, f"this is no list of erasures ({error})", fix) from error


def prepare_copy(backup_file: Path, restored: Path, random_bytes: Callable[[int], bytes]) -> str:
    """Copy a backup beside the database, whole and with the epoch that is returned, or leave nothing there."""
    try:
        copy_out(backup_file, restored)
        # Before it is written to, which would run its triggers.
        verify(restored)
        return begin_epoch(restored, random_bytes)
    except BaseException:
        for suffix in ("", "-journal"):
            beside(restored, suffix).unlink(missing_ok=True)
        raise


def verify(path: Path) -> None:
    """Refuse a file that is no backup of chatd, or of a later version."""
    if not path.is_file():
        what = "this is not a file" if path.exists() else "there is no such file"
        raise StoreError("missing", path, what, "Give a file made by `chatd backup`")
    check_header(path)
    with opening(path), closing(readable(path)) as connection:
        schema.pending(connection, schema.shipped(), path, unknown=True)


def begin_epoch(path: Path, random_bytes: Callable[[int], bytes]) -> str:
    """Set a new epoch, which tells clients that history moved backwards (protocol.md "Identifiers and counters")."""
    epoch = new_epoch(random_bytes)
    with closing(open_file(path, mode="rw")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        leave_epoch(connection)
        put_meta(connection, "epoch", epoch)
        put_meta(connection, "clean", 1)
        connection.execute("COMMIT")
    return epoch


def set_aside(target: Directory) -> None:
    """Rename the old database and its log: a log must never stand beside a database that is not its own.

    The database is first, because every start refuses a log alone, but would accept a database without its log. After
    an interrupted restore this renames the rest.
    """
    if target.database.exists():
        for suffix in PARTS:
            beside(target.replaced, suffix).unlink(missing_ok=True)
    for suffix in PARTS:
        if beside(target.database, suffix).exists():
            os.replace(beside(target.database, suffix), beside(target.replaced, suffix))
    sync_file(target.path)


def beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)
