"""A whole look at a data directory, whether a daemon uses it or not: everything that is wrong. Changes nothing."""

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

FINDINGS_MAX = 20  # of one kind: a file that was overwritten has thousands

ROW_LOST = (
    "SELECT DISTINCT \"table\" || ' names a missing row of ' || parent FROM pragma_foreign_key_check LIMIT ?"
)
BLOBS = "SELECT position, blob FROM events"


@dataclass(slots=True)
class Report:
    """`findings`: what is wrong. `holder`: pid of the daemon that runs. `stamp`: commit that was looked at.

    `unknown_parts`: migrations of capabilities this version does not have; of their tables only the pages were checked.
    """

    findings: list[StoreError]
    holder: str | None = None
    stamp: int = 0
    events: int = 0
    unknown_parts: Sequence[str] = ()


def report(place: Directory) -> Report:
    """Check owners, permissions, header, schema, log, every page, index and reference, and every stored event.

    Takes about as long as a backup. The log of a daemon that runs is left to it: its end moves meanwhile.
    """
    found = Report([])
    for step in (place.require_private, place.require_private_files, partial(look_into, place, found)):
        note(place, found, step)
    return found


def note(place: Directory, found: Report, step: Callable[[], None]) -> None:
    try:
        with opening(place.database):
            step()
    except StoreError as error:
        found.findings.append(error)


def look_into(place: Directory, found: Report) -> None:
    path = place.database
    place.require_database()
    check_header(path)
    found.holder = place.holder()
    with closing(readable(path)) as connection:
        schema.pending(connection, schema.shipped(), path, unknown=True)
        found.unknown_parts = schema.unknown_parts(connection, schema.shipped())
        if found.holder is None:
            note(place, found, partial(check_log, connection, path))
        connection.execute("BEGIN")
        found.stamp = int(read_meta(connection)["stamp"])
        found.findings += [damaged(path, finding) for finding in wrong_pages(connection)]
        if not found.findings:  # else the rows are not there to be read
            found.findings += [damaged(path, finding) for finding in wrong_rows(connection, found)]


def wrong_pages(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(f"PRAGMA integrity_check({FINDINGS_MAX})").fetchall()
    return [text for (text,) in rows if text != "ok"]


def wrong_rows(connection: sqlite3.Connection, found: Report) -> Iterator[str]:
    """What no check of pages can see: references to nothing, and events that are not what was written."""
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
