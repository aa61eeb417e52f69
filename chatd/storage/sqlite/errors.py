"""Faults of the database, in words for the operator, and the translation of SQLite's errors."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import DecodeError

from chatd.protocol.errors import Unavailable
from chatd.storage.interface import StoreLost

Kind = Literal[
    "missing", "read_only", "unsafe", "locked", "in_use", "foreign", "newer", "damaged", "full", "unsupported"
]


# Milliseconds until it is worth asking again: a disk fills up, or fails, for longer than a moment.
RETRY_MS = 5_000

# Raised by calls of SQLite: its message about a damaged schema quotes it, which may not be text any more.
SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
# Raised by the content of damaged rows.
DAMAGE = (UnicodeDecodeError, DecodeError)
DAMAGE_CODES = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))

# Not retried: after a flush failed, the system may take the pages for written, and the next flush reports no error.
DISK_FULL = "the disk is full"
FLUSH_FAILED = "the disk failed to flush a commit"
FLUSHES = frozenset((sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC))


class StoreError(Exception):
    """The database cannot be used as it is; nothing was repaired or changed.

    `kind` names the case for programs; `where`, `what` and `fix` are for people.
    """

    def __init__(self, kind: Kind, where: Path, what: str, fix: str) -> None:
        super().__init__(kind, where, what, fix)
        self.kind = kind
        self.where = where
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.fix}"


def primary(error: BaseException | None) -> int:
    """Return SQLite's primary result code; 0 for errors that did not come from SQLite itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


# By primary result code: kind, what happened, what to do. Codes without a row are `damaged`.
OPENING: dict[int, tuple[Kind, str, str]] = {
    sqlite3.SQLITE_NOTADB: (
        "foreign",
        "this is not a database of chatd",
        "Give another storage.directory, or move the file away",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "damaged",
        "the database is damaged",
        "Nothing was changed. Keep a copy, then restore the last backup with `chatd restore`",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "read_only",
        "the database cannot be opened",
        "Check the owner and the permissions of the directory and its files",
    ),
    sqlite3.SQLITE_READONLY: (
        "read_only",
        "the database or its directory cannot be written",
        "Check the owner, the permissions and the mount options",
    ),
    sqlite3.SQLITE_PERM: (
        "read_only",
        "access to the database was denied",
        "Check the owner and the permissions of the directory and its files",
    ),
    sqlite3.SQLITE_BUSY: (
        "locked",
        "another program holds a lock on the database",
        "Close it; only chatd may have the database open for writing",
    ),
    sqlite3.SQLITE_FULL: (
        "full",
        "the disk is full",
        "Free some space on it, then start again",
    ),
    sqlite3.SQLITE_IOERR: (
        "damaged",
        "the disk reports errors",
        "Look into the kernel log; restore the last backup on a healthy disk",
    ),
}


@contextmanager
def opening(where: Path) -> Iterator[None]:
    """Turn the errors of opening, checking or copying a database into StoreErrors about `where`."""
    try:
        yield
    except SQLITE_ERRORS as error:
        kind, what, fix = OPENING.get(primary(error), OPENING[sqlite3.SQLITE_CORRUPT])
        raise StoreError(kind, where, f"{what} ({error})", fix) from error
    except OSError as error:
        raise StoreError(*named(error, where)) from error


def named(error: OSError, where: Path) -> tuple[Kind, Path, str, str]:
    reason = error.strerror or str(error)
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return (
                "missing",
                where,
                f"there is no such directory ({reason})",
                "Create it, or give another one",
            )
        case errno.EEXIST:
            return "missing", where, "this is not a directory", "Give another one"
        case errno.ENOSPC | errno.EDQUOT:
            return "full", where, f"the disk is full ({reason})", "Free some space on it, then try again"
        case errno.EIO:
            return "damaged", where, f"the disk reports errors ({reason})", "Look into the kernel log"
    return "read_only", where, f"access was denied ({reason})", "Check the owner, the permissions, the mount"


class Translated:
    """Turn SQLite's errors in the open store into Unavailable, with their cause.

    No generator, which costs four times as much: every read and every commit enters it.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, (*SQLITE_ERRORS, DecodeError)):
            return
        if is_failed_flush(error):
            raise lost(FLUSH_FAILED) from error
        if primary(error) == sqlite3.SQLITE_FULL:
            raise disk_full() from error
        raise Unavailable("internal", "the store cannot answer", retry_after=RETRY_MS) from error


translated = Translated()


def trouble(error: Unavailable, otherwise: str) -> tuple[str, str]:
    """Return the name that an error of the open store has in telemetry/troubles.py, and its reason for the operator."""
    cause = error.__cause__
    if isinstance(cause, DAMAGE) or primary(cause) in DAMAGE_CODES:
        return (
            "damage",
            f"the database is damaged ({cause}). Run `chatd check`, keep a copy, restore a backup",
        )
    if error.code == "overloaded":
        return "disk", error.message
    _, what, fix = OPENING.get(primary(cause), (None, error.message, "Please report it"))
    return otherwise, f"{what} ({cause or error}). {fix}"


def is_failed_flush(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) in FLUSHES


def disk_full() -> Unavailable:
    return Unavailable("overloaded", DISK_FULL, retry_after=RETRY_MS)


def lost(what: str) -> StoreLost:
    return StoreLost("internal", what, retry_after=RETRY_MS)
