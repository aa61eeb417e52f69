"""A check of the write-ahead log: whether it is whole, and of this database. It changes nothing.

SQLite takes the first frame with a wrong checksum for the end of the log, and any log of the right form for its own.
So one flipped bit would silently lose all commits behind it, and two databases could be mixed
(sqlite.org/fileformat2.html, chapter 4).
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from os import SEEK_CUR
from pathlib import Path
from sys import byteorder

from chatd.storage.sqlite.connection import without_log
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.meta import is_epoch, read_meta

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
# Of the index of the log, up to the number of its last frame (sqlite.org/walformat.html, 2.1).
INDEX_BYTES = 20
INDEX_VERSION = 3_007_000
WORD = 0xFFFFFFFF

Sums = tuple[int, int]

FIX = "Nothing was changed. Keep a copy, then restore the last backup with `chatd restore`"


@dataclass(slots=True, frozen=True)
class Frame:
    """One frame of the log. `checks`: its checksum continues that of the frame before it, as that is stored."""

    commits: bool
    checks: bool


def check_log(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a log with a hole in it, or of another database; StoreError("damaged"). `connection` is to `path`."""
    log = path.with_name(path.name + "-wal")
    if not log.exists():
        return
    epoch = read_meta(connection).get("epoch")
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    end = last_frame(path.with_name(path.name + "-shm"))
    if has_hole(frames(log, page_bytes, end)):
        raise StoreError("damaged", log, "the write-ahead log is damaged in the middle", FIX)
    if epoch != epoch_alone(path, epoch):
        raise StoreError("damaged", log, "the write-ahead log is of another database", FIX)


def last_frame(index: Path) -> int:
    """Return the number of the last valid frame, from SQLite's index of the log; 0 when there is none."""
    if not index.exists():
        return 0
    with index.open("rb") as file:
        version, _, _, _, end = array("I", file.read(INDEX_BYTES).ljust(INDEX_BYTES, b"\0"))
    return end if version == INDEX_VERSION else 0


def has_hole(beyond: Iterable[Frame]) -> bool:
    """Whether there is a bad frame with frames behind it that were written after its commit was on the disk.

    A power cut can spoil only the last commit, as each is flushed before the next is written. So two commits in a row
    behind a bad frame prove that it was good once. One alone may be the rest of the last commit: damage there cannot be
    told from a power cut.
    """
    whole, commits = True, 0
    for frame in beyond:
        whole = whole and frame.checks
        if whole:
            continue
        commits = commits + frame.commits if frame.checks else 0
        if commits == 2:
            return True
    return False


def frames(log: Path, page_bytes: int, end: int) -> Iterator[Frame]:
    """Yield the frames behind number `end`; those of an earlier use of the log, by their salt, do not check.

    A damaged header counts as a frame that does not check.
    """
    with log.open("rb") as file:
        header = file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0")
        big = header[3] & 1 == 1
        salt, sums = header[16:24], stored(header[24:])
        if checksum(header[:24], (0, 0), big=big) != sums:
            # Unknown: that of the first frame is taken.
            salt = b""
            yield Frame(commits=False, checks=False)
        if end > 0:
            file.seek(HEADER_BYTES + (end - 1) * (FRAME_HEADER_BYTES + page_bytes) + 16)
            sums = stored(file.read(8))
            file.seek(page_bytes, SEEK_CUR)
        while len(frame := file.read(FRAME_HEADER_BYTES + page_bytes)) == FRAME_HEADER_BYTES + page_bytes:
            salt = salt or frame[8:16]
            found = None
            # Else it is of an earlier use of the log, or its salt is damaged.
            if frame[8:16] == salt:
                found = checksum(frame[FRAME_HEADER_BYTES:], checksum(frame[:8], sums, big=big), big=big)
            sums = stored(frame[16:FRAME_HEADER_BYTES])
            yield Frame(commits=frame[4:8] != b"\0" * 4, checks=found == sums)


def checksum(content: bytes, sums: Sums, *, big: bool) -> Sums:
    """Continue the running checksum of the log over `content`, a multiple of 8 bytes."""
    first, second = sums
    numbers = iter(words(content, big=big))
    for even, odd in zip(numbers, numbers, strict=True):
        first = first + even + second & WORD
        second = second + odd + first & WORD
    return first, second


def stored(content: bytes) -> Sums:
    first, second = words(content, big=True)
    return first, second


def words(content: bytes, *, big: bool) -> Sequence[int]:
    numbers = array("I", content)
    if big is not (byteorder == "big"):
        numbers.byteswap()
    return numbers


def epoch_alone(path: Path, default: object) -> object:
    """Return the epoch in the database without its log; no commit changes it.

    `default` when the file alone cannot be read, as in the middle of a checkpoint.
    """
    with suppress(sqlite3.Error), closing(without_log(path)) as connection:
        epoch = read_meta(connection).get("epoch")
        return epoch if is_epoch(epoch) else default
    return default
