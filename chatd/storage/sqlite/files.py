"""The rows of files: what decisions look at, and their changes."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatd.core.attachments import AttachedAt, DetachedAt, SharedObjects
from chatd.core.file_removal import BlockedFile, ForgottenObjects
from chatd.core.files import (
    UNKNOWN_MIME,
    Charged,
    File,
    FileChange,
    ForgottenFile,
    KnownFile,
    ReleasedObjects,
    StoredObjects,
    Usage,
)
from chatd.core.held_files import Held, Released
from chatd.protocol.codec import decode_attachment, encode
from chatd.protocol.media import SCHEME
from chatd.protocol.messages import Attachment
from chatd.storage.files import FileQuery, FilesRead
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.rows import SEQ_BITS, Row, position

# More than the requests of one batch could take away, so what is not counted makes no difference.
USES_MAX = 1000
# That one commit changes: some milliseconds.
PLACES_MAX = 100
COPIES_MAX = 200
FILE_COLUMNS = """
f.file, f.owner, f.client_key, f.kind, f.purpose, f.state, f.reserved, f.created_at, f.due_at, f.facts, f.length,
f.source, f.room
"""
FILE = f"SELECT {FILE_COLUMNS} FROM files f WHERE file = ?"  # noqa: S608 - put together from constants
FILE_OF_KEY = "SELECT file FROM files WHERE owner = ? AND client_key = ?"
PLACES = "SELECT count(*) FROM (SELECT 1 FROM attached WHERE file = ? LIMIT ?)"
SOME_PLACES = "SELECT position FROM attached WHERE file = ? LIMIT ?"
PLACES_IN = "SELECT position, file FROM attached WHERE position BETWEEN ? AND ? LIMIT ?"
HOLDERS = "SELECT holder FROM held WHERE file = ? LIMIT ?"
HOLDINGS = "SELECT file FROM held WHERE holder = ?"
OF_REPORTS = """
SELECT h.holder, h.file FROM (SELECT number FROM reports WHERE changed_at < ? ORDER BY changed_at LIMIT 500) r
JOIN held h ON h.holder = 'report:' || r.number
"""
COPIES = "SELECT file FROM files WHERE source = ? AND state = 'ready' AND file <> ? LIMIT ?"
USAGE = "SELECT bytes, files FROM media_usage WHERE account = ?"
UPLOADING = "SELECT count(*) FROM files WHERE owner = ? AND created_at > ? AND state = 'uploading'"
IS_ATTACHED = "SELECT EXISTS (SELECT 1 FROM attached WHERE position = ? AND file = ?)"
IS_BLOCKED = "SELECT EXISTS (SELECT 1 FROM media_blocked WHERE digest = ?)"

PUT = """
INSERT INTO files (file, owner, client_key, kind, purpose, state, reserved, created_at, due_at, facts, length, source,
                   room)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (file) DO UPDATE
SET owner = excluded.owner, client_key = excluded.client_key, state = excluded.state, reserved = excluded.reserved,
    due_at = excluded.due_at, facts = excluded.facts, length = excluded.length, source = excluded.source
"""
FORGET = "DELETE FROM files WHERE file = ?"
ADD_OBJECT = "INSERT INTO objects (object, digest, size, refs, free_at) VALUES (?, ?, ?, 1, 0)"
ADD_RENDITION = "INSERT INTO renditions (file, variant, object, mime) VALUES (?, ?, ?, ?)"
SHARE = """
INSERT INTO renditions (file, variant, object, mime) SELECT ?, variant, object, mime FROM renditions WHERE file = ?
"""
REFER = "UPDATE objects SET refs = refs + 1 WHERE object IN (SELECT object FROM renditions WHERE file = ?)"
HOLD = "INSERT INTO held (holder, file) VALUES (?, ?)"
UNHOLD = "DELETE FROM held WHERE holder = ? AND file = ?"
FORGET_OBJECT = "DELETE FROM objects WHERE object = ? AND refs = 0"
BLOCK = "INSERT INTO media_blocked (digest) VALUES (?) ON CONFLICT DO NOTHING"
BLOCK_OBJECTS = """
INSERT INTO media_blocked (digest) SELECT o.digest FROM renditions r JOIN objects o USING (object) WHERE r.file = ?
ON CONFLICT DO NOTHING
"""
ATTACH = "INSERT INTO attached (position, file) VALUES (?, ?)"
DETACH = "DELETE FROM attached WHERE position = ? AND file = ?"
RELEASE = """
UPDATE objects SET refs = refs - 1, free_at = iif(refs = 1, :free_at, 0)
WHERE object IN (SELECT object FROM renditions WHERE file = :file)
"""
DROP_RENDITIONS = "DELETE FROM renditions WHERE file = ?"
CHARGE = """
INSERT INTO media_usage (account, bytes, files) VALUES (?, ?, ?)
ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes, files = files + excluded.files
"""
# Nobody's name stays behind when nothing of theirs does.
FORGET_USAGE = "DELETE FROM media_usage WHERE account = ? AND bytes = 0 AND files = 0"


class FileRows:
    """The `FileStore` on the readers of the store."""

    def __init__(self, read_pool: ReadPool) -> None:
        self._read_pool = read_pool

    async def known(self, query: FileQuery) -> FilesRead:
        return await self._read_pool.run(known, query)


def known(connection: sqlite3.Connection, query: FileQuery) -> FilesRead:
    """Return what decisions on files look at."""
    found = FilesRead()
    for key in query.keys:
        for (file,) in connection.execute(FILE_OF_KEY, key):
            found.keys[key] = file
    read_holdings(connection, query, found)
    for account in query.accounts:
        for row in connection.execute(USAGE, (account,)):
            found.usage[account] = Usage(*row)
    for owner in query.uploading:
        (found.uploading[owner],) = connection.execute(UPLOADING, (owner, query.begun_since)).fetchone()
    for digest in query.digests:
        if connection.execute(IS_BLOCKED, (digest,)).fetchone() == (1,):
            found.blocked.add(digest)
    for room, seq, file in query.places:
        if connection.execute(IS_ATTACHED, (position(room, seq), file)).fetchone() == (1,):
            found.attached.add((room, seq, file))
    for room in query.rooms:
        bounds = (position(room, 0), position(room + 1, 0), PLACES_MAX)
        found.attached.update((*place_of(at), file) for at, file in connection.execute(PLACES_IN, bounds))
    for room, low, high in query.spans:
        bounds = (position(room, low), position(room, high), -1)
        found.attached.update((*place_of(at), file) for at, file in connection.execute(PLACES_IN, bounds))
    wanted = {*query.files, *found.keys.values(), *(file for *_, file in found.attached)}
    wanted.update(file for files in found.holdings.values() for file in files)
    for file in wanted:
        read_file(connection, file, found, is_removal=query.is_removal)
    return found


def read_holdings(connection: sqlite3.Connection, query: FileQuery, found: FilesRead) -> None:
    for holder in query.holders:
        found.holdings[holder] = tuple(file for (file,) in connection.execute(HOLDINGS, (holder,)))
    if query.reports_before:
        for holder, file in connection.execute(OF_REPORTS, (query.reports_before,)):
            found.holdings[holder] = (*found.holdings.get(holder, ()), file)


def read_file(connection: sqlite3.Connection, name: str, found: FilesRead, *, is_removal: bool) -> None:
    """Read a file; for a removal with some places, and the other files of the same bytes."""
    row = connection.execute(FILE, (name,)).fetchone()
    if row is None:
        return
    (places,) = connection.execute(PLACES, (name, USES_MAX)).fetchone()
    holders = tuple(holder for (holder,) in connection.execute(HOLDERS, (name, USES_MAX)))
    one = found.files[name] = KnownFile(file_of(row), places + len(holders), holders)
    if not is_removal:
        return
    some = [place_of(at) for (at,) in connection.execute(SOME_PLACES, (name, PLACES_MAX))]
    one.places, one.has_more_places = tuple(some), places > len(some)
    found.attached.update((*place, name) for place in some)
    copies = (
        connection.execute(COPIES, (one.file.source, name, COPIES_MAX + 1)).fetchall()
        if one.file.source
        else []
    )
    one.has_more_copies = len(copies) > COPIES_MAX
    for (copy,) in copies[:COPIES_MAX]:
        if copy not in found.files:
            read_file(connection, copy, found, is_removal=False)


def place_of(at: int) -> tuple[int, int]:
    return at >> SEQ_BITS, at & ((1 << SEQ_BITS) - 1)


def file_of(row: Row) -> File:
    name, owner, key, kind, purpose, state, charged, created_at, due_at, facts, length, source, room = row
    code = facts.decode() if state == "refused" else ""
    attachment = Attachment(SCHEME + name, UNKNOWN_MIME, kind=kind) if code else decode_attachment(facts)
    times = created_at, due_at
    return File(
        name,
        owner,
        key,
        kind,
        purpose,
        state,
        charged,
        *times,
        attachment,
        length,
        source or b"",
        code,
        room or 0,
    )


def write_changes(connection: sqlite3.Connection, changes: Sequence[FileChange], stamp: int) -> None:
    """Write the changes of files, in their order."""
    for one in changes:
        CHANGES[type(one.change)](connection, one.change)


def put_file(connection: sqlite3.Connection, file: File) -> None:
    facts = file.code.encode() if file.state == "refused" else encode(file.facts)
    row = (
        file.file, file.owner, file.key, file.kind, file.purpose, file.state, file.charged, file.created_at,
        file.due_at, facts, file.length, file.source or None, file.room or None,
    )  # fmt: skip
    connection.execute(PUT, row)


def forget_file(connection: sqlite3.Connection, forgotten: ForgottenFile) -> None:
    connection.execute(FORGET, (forgotten.file,))


def store_objects(connection: sqlite3.Connection, stored: StoredObjects) -> None:
    for one in stored.objects:
        connection.execute(ADD_OBJECT, (one.object, one.digest, one.size))
        connection.execute(ADD_RENDITION, (stored.file, one.variant, one.object, one.mime))


def share_objects(connection: sqlite3.Connection, shared: SharedObjects) -> None:
    connection.execute(SHARE, (shared.file, shared.source))
    connection.execute(REFER, (shared.file,))


def attach(connection: sqlite3.Connection, place: AttachedAt) -> None:
    connection.execute(ATTACH, (position(place.room, place.seq), place.file))


def detach(connection: sqlite3.Connection, place: DetachedAt) -> None:
    connection.execute(DETACH, (position(place.room, place.seq), place.file))


def hold(connection: sqlite3.Connection, held: Held) -> None:
    connection.execute(HOLD, (held.holder, held.file))


def release(connection: sqlite3.Connection, released: Released) -> None:
    connection.execute(UNHOLD, (released.holder, released.file))


def block(connection: sqlite3.Connection, blocked: BlockedFile) -> None:
    connection.execute(BLOCK, (blocked.source,))
    connection.execute(BLOCK_OBJECTS, (blocked.file,))


def forget_objects(connection: sqlite3.Connection, forgotten: ForgottenObjects) -> None:
    connection.executemany(FORGET_OBJECT, [(name,) for name in forgotten.objects])


def release_objects(connection: sqlite3.Connection, released: ReleasedObjects) -> None:
    connection.execute(RELEASE, {"file": released.file, "free_at": released.free_at})
    connection.execute(DROP_RENDITIONS, (released.file,))


def charge(connection: sqlite3.Connection, charged: Charged) -> None:
    connection.execute(CHARGE, (charged.account, charged.bytes, charged.files))
    connection.execute(FORGET_USAGE, (charged.account,))


CHANGES: Mapping[type, Callable[[sqlite3.Connection, Any], None]] = {
    File: put_file,
    ForgottenFile: forget_file,
    StoredObjects: store_objects,
    SharedObjects: share_objects,
    AttachedAt: attach,
    DetachedAt: detach,
    Held: hold,
    Released: release,
    BlockedFile: block,
    ForgottenObjects: forget_objects,
    ReleasedObjects: release_objects,
    Charged: charge,
}
WRITES: Mapping[type, Any] = {FileChange: write_changes}
