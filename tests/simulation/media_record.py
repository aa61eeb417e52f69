"""What a run records of files, and what is read of them in the database and on the disk."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgpack

from tests.kit.files import RULES

SEQ_BITS = 32
MAY_SEE = """
SELECT EXISTS (
    SELECT 1 FROM rooms r JOIN members m ON m.room = r.number JOIN attached a ON a.position = (r.number << 32 | :seq)
    WHERE r.name = :room AND r.deleted_by IS NULL AND m.user = :user AND m.gone IS NULL AND m.first_visible <= :seq
    AND a.file = :file AND EXISTS (SELECT 1 FROM files f WHERE f.file = :file AND f.state = 'ready')
), (SELECT value FROM meta WHERE key = 'stamp')
"""


# Of a deleted room they go when it is purged.
HELD = "SELECT position, file FROM attached JOIN rooms ON number = position >> 32 WHERE deleted_by IS NULL"


class Place(NamedTuple):
    room: str
    seq: int
    file: str


class Fetch(NamedTuple):
    """A fetch and its answer. `before`, `after`: whether the user may see the file, and the last commit then."""

    user: str
    device: str
    issued_s: float
    began: float
    place: Place
    status: int
    digest: bytes
    before: tuple[bool, int]
    after: tuple[bool, int]


@dataclass(slots=True)
class MediaRecord:
    """`sent`: digests of everything that was uploaded, or made of it. `taken_down`: files. `findings`: at the end."""

    fetches: list[Fetch] = field(default_factory=list)
    sent: set[bytes] = field(default_factory=set)
    taken_down: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)


def may_see(database: Path, user: str, place: Place) -> tuple[bool, int]:
    """Return whether a message that holds the file is shown to the user, and the last commit."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        shown, stamp = connection.execute(MAY_SEE, {"user": user, **place._asdict()}).fetchone()
    return bool(shown), stamp


def contradictions(database: Path, disk: dict[str, bytes], record: MediaRecord) -> list[str]:
    """Return where rows, logs and the disk do not agree, once everything that may go is gone."""
    found = []
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        found += [
            f"not so: {rule}: {rows}" for rule, sql in RULES.items() if (rows := select(connection, sql))
        ]
        stored = dict(connection.execute("SELECT object, digest FROM objects"))
        left = select(connection, "SELECT file, state FROM files WHERE state <> 'ready'")
        held = {*select(connection, HELD)}
        ready = {file for (file,) in connection.execute("SELECT file FROM files WHERE state = 'ready'")}
        said = said_to_hold(connection)
    found += [f"after all time {file} is still {state}" for file, state in left]
    there = {name.rpartition("/")[2]: sha256(content).digest() for name, content in disk.items()}
    found += [f"{name} is on the disk and in no row" for name in sorted(there.keys() - stored.keys())]
    found += [f"{name} is not on the disk" for name in sorted(stored.keys() - there.keys())]
    found += [
        f"{name} is nothing that was sent" for name, one in sorted(there.items()) if one not in record.sent
    ]
    changed = (name for name, digest in stored.items() if there.get(name, digest) != digest)
    found += [f"{name} is not what it was" for name in sorted(changed)]
    found += [f"{place} is held, and no message says so" for place in sorted(held - said)]
    # With a file go all others of the same bytes.
    lost = (place for place in said - held if not record.taken_down or place[1] in ready)
    return found + [f"{place} is said, and not held" for place in sorted(lost)]


def kept_in(copy: Path) -> set[str]:
    """Return the objects that a backup of files would have, beside this copy of the database."""
    with closing(sqlite3.connect(copy)) as connection:
        return {str(name) for (name,) in select(connection, "SELECT object FROM objects WHERE refs > 0")}


def select(connection: sqlite3.Connection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


def said_to_hold(connection: sqlite3.Connection) -> set[tuple[int, str]]:
    """Return which files messages name, each by the position of its message, after all edits and recalls."""
    named: dict[int, set[str]] = {}
    query = "SELECT position, blob FROM events JOIN rooms ON number = position >> 32 WHERE deleted_by IS NULL"
    for position, blob in connection.execute(f"{query} ORDER BY position"):
        event = msgpack.unpackb(blob)
        room, target = position >> SEQ_BITS << SEQ_BITS, event.get("target", 0)
        if event["kind"] == "message":
            named[position] = files_of(event)
        elif event["kind"] == "edit" and "body" in event:
            named[room | target] = files_of(event)
        elif event["kind"] == "recall":
            named[room | target] = set()
    return {(position, file) for position, files in named.items() for file in files}


def files_of(event: dict) -> set[str]:  # type: ignore[type-arg]
    """Return the files of this server that an event names."""
    attachments = (event.get("body") or {}).get("attachments") or ()
    urls = (one["url"] for one in attachments)
    return {url.removeprefix("media:") for url in urls if url.startswith("media:")}
