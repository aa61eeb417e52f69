"""What survives a restart: a small durable map, in memory or in one file.

Three tables: `account` (user, device, epoch, cursor), `rooms` (summary and position of each room) and
`outbox` (what is not yet acknowledged). One storage belongs to one account on one device.

The file is a log of records, each `length, crc32, payload`; a later record for the same key replaces the
earlier one. A torn tail, as a crash leaves it, ends the log. When the log has grown far beyond its content it
is written anew beside the old one and renamed over it, so that at every moment one whole file exists.
"""

import asyncio
import logging
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import Protocol

import msgpack

from .core.records import Record, Tables, put

log = logging.getLogger(__name__)


class Storage(Protocol):
    """A durable map of tables. All records of one call are kept in order; order holds across `note` and
    `save`."""

    async def load(self) -> Tables:
        """Everything stored, in the order of first insertion; called once, before anything else."""
        ...

    def note(self, records: Sequence[Record]) -> None:
        """Remember soon: a crash may lose it, but never tears it and never loses what was saved.

        What cannot be written, as on a full disk, is logged and written with the next that can.
        """
        ...

    async def save(self, records: Sequence[Record]) -> None:
        """Remember now: on return these records and everything noted before would survive a power loss.

        Raises OSError when that cannot be promised.
        """
        ...

    async def close(self) -> None:
        """Finish and let go."""
        ...


class MemoryStorage:
    """Survives reconnects and nothing else; for tests, load generators and throw-away sessions."""

    def __init__(self) -> None:
        self._tables: Tables = {}

    async def load(self) -> Tables:
        return {name: dict(table) for name, table in self._tables.items()}

    def note(self, records: Sequence[Record]) -> None:
        for record in records:
            put(self._tables, record)

    async def save(self, records: Sequence[Record]) -> None:
        self.note(records)

    async def close(self) -> None:
        return None


class FileStorage:
    """Keeps the map in one file. Saves that wait at the same time share one fsync.

    A second process that opens the same file gets BlockingIOError (where the system has `flock`).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._tables: Tables = {}
        self._file: FileIO | None = None
        self._bytes = 0
        self._compact_at = COMPACT_BYTES
        self._syncing = asyncio.Lock()
        self._synced_to = 0
        self._written = 0
        self._failed = False

    async def load(self) -> Tables:
        await asyncio.to_thread(self._open)
        return {name: dict(table) for name, table in self._tables.items()}

    def note(self, records: Sequence[Record]) -> None:
        file = self._opened()
        try:
            self._append(file, records)
        except OSError as error:
            log.error("%s cannot be written: %s", self._path, error)

    async def save(self, records: Sequence[Record]) -> None:
        self._append(self._opened(), records)
        mine = self._written
        async with self._syncing:
            if self._synced_to >= mine:  # somebody's fsync came after our write
                return
            covered = self._written
            await asyncio.to_thread(os.fsync, self._opened().fileno())
            self._synced_to = max(self._synced_to, covered)

    async def close(self) -> None:
        if self._file is None:
            return
        async with self._syncing:
            file, self._file = self._opened(), None
            await asyncio.to_thread(_sync_and_close, file)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(self._path)
        content = file.readall()
        sound = 0
        for record, end in records_in(content):
            put(self._tables, record)
            sound = end
        file.truncate(sound)  # a torn tail would hide everything written after it
        file.seek(sound)
        _sync_directory(self._path.parent)  # a file just created could vanish without it
        self._opened_as(file, sound)

    def _opened_as(self, file: FileIO, size: int) -> None:
        self._file, self._bytes = file, size
        self._compact_at = max(COMPACT_BYTES, COMPACT_FACTOR * sum(map(len, self._live())))

    def _append(self, file: FileIO, records: Sequence[Record]) -> None:
        """Write records; after a failure the whole content is due, for the log may end in half a record."""
        for record in records:
            put(self._tables, record)
        content = b"".join(map(framed, records))
        self._written += 1
        try:
            if self._failed or (self._bytes > self._compact_at and not self._syncing.locked()):
                self._compact()
            else:
                _write(file, content)
                self._bytes += len(content)
        except OSError:
            self._failed = True
            raise

    def _opened(self) -> FileIO:
        if self._file is None:
            raise ValueError("the storage is not open")
        return self._file

    def _live(self) -> Iterator[bytes]:
        for table, rows in self._tables.items():
            for key, value in rows.items():
                yield framed(Record(table, key, value))

    def _compact(self) -> None:
        """Write the content anew. Not in a thread: nothing may be noted meanwhile, and it is small by its
        nature."""
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.unlink(missing_ok=True)
        content = b"".join(self._live())
        file = _locked(fresh)
        try:
            _write(file, content)
            os.fsync(file.fileno())
            fresh.replace(self._path)
            _sync_directory(self._path.parent)
        except BaseException:
            file.close()
            raise
        self._opened().close()
        self._opened_as(file, len(content))
        self._synced_to, self._failed = self._written, False


COMPACT_BYTES = 1 << 20
"""Below one MiB a log is read in milliseconds."""

COMPACT_FACTOR = 4
"""A log this many times its content is mostly waste; rewriting then costs a quarter of what was written."""

_HEAD = struct.Struct(">II")


def framed(record: Record) -> bytes:
    """A record as the file holds it."""
    payload: bytes = msgpack.packb(list(record), use_bin_type=True)
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def records_in(content: bytes) -> Iterator[tuple[Record, int]]:
    """The records of a log and where each ends; stops at the first that is torn or damaged."""
    at = 0
    while at + _HEAD.size <= len(content):
        length, checksum = _HEAD.unpack_from(content, at)
        end = at + _HEAD.size + length
        payload = content[at + _HEAD.size : end]
        # A length of 0 is what a file system may leave where it had allocated but not written.
        if length == 0 or len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield Record(*msgpack.unpackb(payload, raw=False)), end
        at = end


def _write(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _locked(path: Path) -> FileIO:
    """The file, created private to its owner, open to read and write, locked against other processes."""
    file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        _lock(file)
    except OSError:
        file.close()
        raise
    return file


def _lock(file: FileIO) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no flock
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_and_close(file: FileIO) -> None:
    os.fsync(file.fileno())
    file.close()


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)  # or the rename itself could be lost
    finally:
        os.close(directory)
