"""The files beside the database that hold something of a person: exports, the list of erasures, a replaced database."""

import logging
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from chatd.config.file_permissions import PRIVATE
from chatd.storage.erasing import ListedErasure, PersonFiles

LISTED = "erasures.jsonl"
EXPORTS = "exports"
SUFFIX = ".ndjson.gz"
REPLACED = ("chatd.sqlite.replaced", "chatd.sqlite.replaced-wal", "chatd.sqlite.replaced-shm")
OWNER_ONLY = 0o700
# More than a line has.
LINE_BYTES_MAX = 1024

log = logging.getLogger("chatd.storage")


class FilesOfPersons(PersonFiles):
    """The files in a data directory."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        self._exports = self._directory / EXPORTS

    def list_erasure(self, listed: ListedErasure) -> None:
        add_to_list(self._directory / LISTED, [listed])

    def listed(self) -> list[ListedErasure]:
        return read_list(self._directory / LISTED, torn=True)

    def new_export(self, chance: bytes) -> tuple[str, BinaryIO]:
        self._exports.mkdir(mode=OWNER_ONLY, exist_ok=True)
        # Random, so that the name says nothing of the person.
        name = chance.hex() + SUFFIX
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        return name, os.fdopen(os.open(self._exports / name, flags, PRIVATE), "wb")

    def export_path(self, name: str) -> str:
        return str(self._exports / name)

    def size_of(self, name: str) -> int:
        return (self._exports / name).stat().st_size

    def drop_export(self, name: str) -> int:
        return removed([self._exports / name]) if name else 0

    def keep_exports(self, names: Collection[str]) -> None:
        removed([path for path in self._exports.glob(f"*{SUFFIX}") if path.name not in names])

    def drop_replaced(self, before: int) -> tuple[int, int]:
        # A rename sets this time: when the restore was.
        there = [self._directory / name for name in REPLACED]
        old = [path for path in there if path.exists() and path.stat().st_ctime * 1000 < before]
        return removed(old), sum(path.exists() for path in there)


def removed(paths: Collection[Path]) -> int:
    """Remove files; return how many there were. They are gone from the disk when this returns."""
    count = 0
    for path in paths:
        with suppress(FileNotFoundError):
            path.unlink()
            count += 1
    for directory in {path.parent for path in paths}:
        sync(directory)
    return count


def read_list(path: Path, *, torn: bool = False) -> list[ListedErasure]:
    """Return the lines of a list of erasures; none where there is no file. Raises OSError, msgspec.MsgspecError.

    `torn`: lines that a power cut spoiled are left out; only one that was not on the disk yet can be.
    """
    listed = []
    with suppress(FileNotFoundError):
        for line in path.read_bytes().splitlines(keepends=True):
            # The last one may be cut off.
            if not line.endswith(b"\n"):
                break
            try:
                listed.append(msgspec.json.decode(line, type=ListedErasure))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                if not torn:
                    raise
                log.warning("%s: a line is spoiled and left out", path)
    return listed


def add_to_list(path: Path, listed: Collection[ListedErasure]) -> None:
    """Add lines to a list of erasures; they are on the disk when this returns."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, PRIVATE)
    try:
        size = os.fstat(descriptor).st_size
        # Over a last line that a crash cut off.
        tail = os.pread(descriptor, LINE_BYTES_MAX, max(0, size - LINE_BYTES_MAX))
        cut_off = len(tail) - tail.rfind(b"\n") - 1
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in listed)
        lines = lines[:-1].ljust(cut_off - 1) + b"\n"
        os.pwrite(descriptor, lines, size - cut_off)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync(path.parent)


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
