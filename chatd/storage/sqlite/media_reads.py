"""The reads behind downloads, uploads and lists of files.

A fetch is one statement of eight probes, as is the answer for a file that the asker may not have: none of them depends
on the one before, so nobody learns from the time of a refusal which files, rooms and messages there are.
Every function runs inside a read transaction of the connection.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

import msgspec
from msgspec import UNSET

from chatd.core.own_view import sees
from chatd.protocol.codec import decode_attachment
from chatd.protocol.errors import Unavailable
from chatd.protocol.media import FilePlace, OwnFile
from chatd.storage.media import (
    Access,
    Asker,
    FoundUpload,
    MediaReads,
    OwnFiles,
    Standing,
    StoredObject,
)
from chatd.storage.sqlite.connection import open_file, set_up
from chatd.storage.sqlite.errors import translated, trouble
from chatd.storage.sqlite.files import FILE_COLUMNS, file_of
from chatd.storage.sqlite.pragmas import READER
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.rows import Row, position
from chatd.telemetry.troubles import Troubles

P = ParamSpec("P")
T = TypeVar("T")

# For what holds a lock on the database, which is another program: all that is fetched waits meanwhile.
BUSY_TIMEOUT_MS = 100
# Of a file in a list, besides its name, which is among its facts.
ROW_BYTES = 100

STANDING = """
SELECT coalesce(u.disabled, 0), iif(u.restriction = 'ban', u.restricted_until, 0), coalesce(u.revoked_before, 0),
       max(coalesce(u.generation, 0), coalesce(u.revoked_before, 0)), coalesce(d.revoked_before, 0),
       {}
FROM (SELECT 1)
LEFT JOIN users u ON u.user = :user
LEFT JOIN devices d ON d.user = :user AND d.device = :device
{}
"""
OBJECT = "o.object, v.mime, o.size, o.digest, f.kind, f.facts"
OBJECTS = """
LEFT JOIN files f ON f.file = {}
LEFT JOIN renditions v ON v.file = coalesce(f.file, '') AND v.variant = :variant
LEFT JOIN objects o ON o.object = coalesce(v.object, '')
"""
MEMBERSHIP = """
LEFT JOIN rooms r ON r.name = :room AND r.deleted_by IS NULL
LEFT JOIN members m
  ON m.room = coalesce(r.number, 0) AND m.user = :user AND m.gone IS NULL AND m.first_visible <= :seq
LEFT JOIN attached t ON t.position = (coalesce(m.room, 0) << 32 | :seq) AND t.file = :file
"""
PLACED = STANDING.format(
    OBJECT + ", coalesce(m.first_visible, 1), hex(m.extras)",
    MEMBERSHIP + OBJECTS.format("coalesce(t.file, '')"),
)
OWN = STANDING.format(OBJECT, OBJECTS.format(":file AND (f.owner = :user OR :of_any)"))
UPLOAD = STANDING.format(
    FILE_COLUMNS,
    "LEFT JOIN files f ON f.file = :file AND f.state <> 'dropped'",
)
LIVE = STANDING.format(
    FILE_COLUMNS,
    """
LEFT JOIN rooms r ON r.name = :room AND r.deleted_by IS NULL
LEFT JOIN members m ON m.room = coalesce(r.number, 0) AND m.user = :user AND m.gone IS NULL
LEFT JOIN files g ON g.file = :file AND g.room = coalesce(m.room, 0) AND g.state <> 'dropped'
LEFT JOIN members s ON s.room = coalesce(g.room, 0) AND s.user = coalesce(g.owner, '') AND s.gone IS NULL
LEFT JOIN files f ON f.file = iif(s.user IS NULL, '', coalesce(g.file, ''))
""",
)
SPEAKER = """
SELECT f.owner, r.name FROM files f JOIN rooms r ON r.number = f.room
WHERE f.file = ? AND f.state = 'uploading'
"""
PUBLIC = """
SELECT o.object, v.mime, o.size, o.digest, f.kind, f.facts
FROM files f JOIN renditions v ON v.file = f.file AND v.variant = :variant JOIN objects o ON o.object = v.object
WHERE f.file = :file AND EXISTS (
    SELECT 1 FROM held h
    WHERE h.file = f.file AND (h.holder GLOB 'avatar:*' OR h.holder GLOB 'cover:*' OR h.holder GLOB 'sticker:*')
)
"""
VISIBLE = "SELECT t.file IS NOT NULL, m.first_visible, hex(m.extras) FROM (SELECT 1)" + MEMBERSHIP  # noqa: S608 - constants
OWN_FILES = """
SELECT file, kind, reserved, created_at, facts,
       EXISTS (SELECT 1 FROM attached WHERE file = f.file) OR EXISTS (SELECT 1 FROM held WHERE file = f.file)
FROM files f
WHERE owner = ? AND state = 'ready' AND (created_at, file) < (?, ?) ORDER BY created_at DESC, file DESC LIMIT ?
"""
UNKNOWN_OBJECTS = "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT object FROM objects)"
USED = "SELECT bytes FROM media_usage WHERE account = ?"


class Seer(NamedTuple):
    """A member who may see a message. `extras`: hexadecimal digits."""

    first_visible: int
    extras: str


def stored_object(row: Row) -> StoredObject | None:
    object_name, mime, size, digest, kind, facts = row
    if object_name is None:
        return None
    return StoredObject(object_name, mime, size, digest, kind, decode_attachment(facts).name or "")


def access_of(row: Row) -> Access:
    return Access(Standing(bool(row[0]), *row[1:5]), stored_object(row[5:]))


def placed(connection: sqlite3.Connection, asker: Asker, place: FilePlace) -> Access:
    values = {
        "user": asker.user,
        "device": asker.device,
        "room": place.room,
        "seq": position(0, place.seq),
        "file": place.file,
        "variant": "full" if place.size is UNSET else place.size,
    }
    *row, first, extras = connection.execute(PLACED, values).fetchone()
    access = access_of(tuple(row))
    # Few have deleted anything for themselves.
    is_shown = not extras or sees(Seer(first, extras), place.seq)
    return access if is_shown else access._replace(object=None)


def own(connection: sqlite3.Connection, asker: Asker | None, file: str, variant: str) -> Access:
    user, device = asker or ("", "")
    values = {"user": user, "device": device, "of_any": asker is None, "file": file, "variant": variant}
    return access_of(connection.execute(OWN, values).fetchone())


def public(connection: sqlite3.Connection, file: str, variant: str) -> StoredObject | None:
    row = connection.execute(PUBLIC, {"file": file, "variant": variant}).fetchone()
    return None if row is None else stored_object(row)


def upload(connection: sqlite3.Connection, asker: Asker, file: str) -> FoundUpload:
    values = {"user": asker.user, "device": asker.device, "file": file}
    row = connection.execute(UPLOAD, values).fetchone()
    found = None if row[5] is None else file_of(row[5:])
    return FoundUpload(Standing(bool(row[0]), *row[1:5]), found)


def live(connection: sqlite3.Connection, asker: Asker, room: str, file: str) -> FoundUpload:
    values = {"user": asker.user, "device": asker.device, "room": room, "file": file}
    row = connection.execute(LIVE, values).fetchone()
    return FoundUpload(Standing(bool(row[0]), *row[1:5]), None if row[5] is None else file_of(row[5:]))


def speaker(connection: sqlite3.Connection, file: str) -> tuple[str, str] | None:
    """Return the owner and the room of an upload that is a live note."""
    found: tuple[str, str] | None = connection.execute(SPEAKER, (file,)).fetchone()
    return found


def visible(connection: sqlite3.Connection, user: str, places: Sequence[FilePlace]) -> list[FilePlace]:
    return [place for place in places if is_visible(connection, user, place)]


def is_visible(connection: sqlite3.Connection, user: str, place: FilePlace) -> bool:
    if not place.seq:
        return live(connection, Asker(user), place.room, place.file).file is not None
    values = {"user": user, "room": place.room, "seq": position(0, place.seq), "file": place.file}
    found, first, extras = connection.execute(VISIBLE, values).fetchone()
    return bool(found) and sees(Seer(first, extras), place.seq)


def own_files(
    connection: sqlite3.Connection, user: str, before: str, limit: int, page_bytes: int
) -> OwnFiles:
    rows = connection.execute(OWN_FILES, (user, *page_start(before), limit + 1)).fetchall()
    used = connection.execute(USED, (f"u:{user}",)).fetchone()
    files: list[OwnFile] = []
    for file, kind, charged, created_at, facts, attached in rows[:limit]:
        page_bytes -= len(facts) + ROW_BYTES
        if files and page_bytes < 0:
            break
        name = decode_attachment(facts).name
        files.append(OwnFile(file, kind, charged, created_at, name, bool(attached)))
    more = f"{files[-1].created_at}.{files[-1].file}" if len(files) < len(rows) else ""
    return OwnFiles(files, used[0] if used else 0, more)


def page_start(before: str) -> tuple[int, str]:
    """Return what a page lies below. A word that this server did not make stands for the newest."""
    created_at, _, file = before.partition(".")
    return (int(created_at), file) if created_at.isdecimal() and len(created_at) < 16 else (1 << 62, "")


def unknown_objects(connection: sqlite3.Connection, names: Sequence[str]) -> list[str]:
    rows = connection.execute(UNKNOWN_OBJECTS, (msgspec.json.encode(names).decode(),)).fetchall()
    return [name for (name,) in rows]


class SqliteMediaReads(MediaReads):
    """The reads of the process of media, on a read-only connection.

    Each is one statement of some 20 us, so it is made where it is asked for: two changes of thread cost more. Nobody
    but those who fetch files waits for one that has to read from the disk.
    """

    def __init__(self, connection: sqlite3.Connection, troubles: Troubles) -> None:
        self._connection = connection
        self._troubles = troubles

    @classmethod
    async def open(cls, path: Path, troubles: Troubles) -> "SqliteMediaReads":
        """Open the connection; raises StoreError and OSError as SQLite does."""
        settings = {**READER, "busy_timeout": BUSY_TIMEOUT_MS}
        return cls(set_up(open_file(path, mode="ro"), settings, path), troubles)

    async def placed(self, asker: Asker, place: FilePlace) -> Access:
        return self._read(placed, asker, place)

    async def own(self, asker: Asker | None, file: str, variant: str) -> Access:
        return self._read(own, asker, file, variant)

    async def public(self, file: str, variant: str) -> StoredObject | None:
        return self._read(public, file, variant)

    async def upload(self, asker: Asker, file: str) -> FoundUpload:
        return self._read(upload, asker, file)

    async def live(self, asker: Asker, room: str, file: str) -> FoundUpload:
        return self._read(live, asker, room, file)

    async def unknown_objects(self, names: Sequence[str]) -> Sequence[str]:
        return self._read(unknown_objects, names)

    async def close(self) -> None:
        self._connection.close()

    def _read(
        self, read: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the result of one statement, which sees one commit. Raises Unavailable."""
        try:
            with translated:
                result = read(self._connection, *args, **kwargs)
        except Unavailable as error:
            self._troubles.report(*trouble(error, "reads"))
            raise
        if self._troubles.now:
            self._troubles.report_ok("reads")
        return result


class FileReads:
    """The base of `SqliteStore` with the reads of commands."""

    _read_pool: ReadPool

    async def visible_files(self, user: str, places: Sequence[FilePlace]) -> list[FilePlace]:
        return await self._read_pool.run(visible, user, places)

    async def own_files(self, user: str, before: str, limit: int, page_bytes: int) -> OwnFiles:
        return await self._read_pool.run(own_files, user, before, limit, page_bytes)
