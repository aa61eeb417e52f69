"""The check of a whole data directory, whether a daemon uses it or not. It changes nothing."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from msgspec import DecodeError

from chatd.protocol.codec import decode_event
from chatd.storage.sqlite import schema
from chatd.storage.sqlite.connection import readable
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.errors import StoreError, opening
from chatd.storage.sqlite.meta import read_meta
from chatd.storage.sqlite.rows import SEQ_BITS, SEQ_MASK
from chatd.storage.sqlite.startup import check_header, damaged
from chatd.storage.sqlite.wal import check_log

# Of one kind: a file that was overwritten has thousands.
FINDINGS_MAX = 20

ROW_LOST = (
    "SELECT DISTINCT \"table\" || ' names a missing row of ' || parent FROM pragma_foreign_key_check LIMIT ?"
)
BLOBS = "SELECT position, blob FROM events"


@dataclass(slots=True)
class Report:
    """The result of a check. `holder`: the pid of the daemon that runs. `stamp`: the commit that was checked.

    `unknown_parts`: migrations of absent capabilities, of whose tables only the pages were checked.
    """

    findings: list[StoreError]
    holder: str | None = None
    stamp: int = 0
    events: int = 0
    unknown_parts: Sequence[str] = ()


def report(directory: Directory) -> Report:
    """Check owners, permissions, header, schema, log, every page, index and reference, and every stored event.

    It takes about as long as a backup. The log of a running daemon is not checked, because its end moves meanwhile.
    """
    found = Report([])
    for step in (
        directory.require_private,
        directory.require_private_files,
        partial(check_database, directory, found),
    ):
        note(directory, found, step)
    return found


def note(directory: Directory, found: Report, step: Callable[[], None]) -> None:
    try:
        with opening(directory.database):
            step()
    except StoreError as error:
        found.findings.append(error)


def check_database(directory: Directory, found: Report) -> None:
    path = directory.database
    directory.require_database()
    check_header(path)
    found.holder = directory.holder()
    with closing(readable(path)) as connection:
        schema.pending(connection, schema.shipped(), path, unknown=True)
        found.unknown_parts = schema.unknown_parts(connection, schema.shipped())
        if found.holder is None:
            note(directory, found, partial(check_log, connection, path))
        connection.execute("BEGIN")
        found.stamp = int(read_meta(connection)["stamp"])
        found.findings += [damaged(path, finding) for finding in wrong_pages(connection)]
        # With damaged pages, rows cannot be read.
        if not found.findings:
            found.findings += [damaged(path, finding) for finding in wrong_rows(connection, found)]


def wrong_pages(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(f"PRAGMA integrity_check({FINDINGS_MAX})").fetchall()
    return [text for (text,) in rows if text != "ok"]


def wrong_rows(connection: sqlite3.Connection, found: Report) -> Iterator[str]:
    """Yield the faults that no check of pages finds: references to missing rows, and events that cannot be decoded."""
    yield from (text for (text,) in connection.execute(ROW_LOST, (FINDINGS_MAX,)))
    wrong = 0
    for position, blob in connection.execute(BLOBS):
        found.events += 1
        try:
            decode_event(blob)
        except DecodeError as error:
            wrong += 1
            if wrong <= FINDINGS_MAX:
                yield f"event {position & SEQ_MASK} of room {position >> SEQ_BITS}: {error}"
