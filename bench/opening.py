"""Files as they come: named, piped or packed, in one piece or as an archive."""

import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePath
from typing import Any, BinaryIO, cast

STANDARD_INPUT = Path("-")
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
FILE_BYTES_MAX = 1 << 30  # of one file of an export, which is read as a whole
BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError)  # the last: a zip with a password


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, a pipe, or standard input for `-`; gzip is recognised by its first bytes and unpacked."""
    with ExitStack() as stack:
        raw = sys.stdin.buffer if path == STANDARD_INPUT else stack.enter_context(path.open("rb"))
        head = raw.read(len(GZIP))  # a pipe cannot go back
        whole = io.BufferedReader(_Rejoined(head, raw))
        yield cast(BinaryIO, stack.enter_context(gzip.open(whole)) if head == GZIP else whole)


def files(path: Path, *suffixes: str) -> Iterator[tuple[PurePath, bytes]]:
    """The files of a directory or a zip that end like this, each with its name inside; or the one file there is.

    Raises one of BROKEN, or ValueError for one of more than FILE_BYTES_MAX.
    """
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix in suffixes and file.is_file():
                yield file.relative_to(path), _bounded(file.name, file.stat().st_size, file.read_bytes)
        return
    with opened(path) as whole:
        content = _bounded(path.name, 0, lambda: whole.read(FILE_BYTES_MAX + 1))
    if not content.startswith(ZIP):
        yield PurePath(path.name), content
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            name = PurePath(info.filename)
            if name.suffix in suffixes and name.parts[0] != "__MACOSX":
                yield name, _bounded(info.filename, info.file_size, partial(archive.read, info))


def _bounded(name: str, size: int, read: Callable[[], bytes]) -> bytes:
    content = read() if size <= FILE_BYTES_MAX else b""
    if max(size, len(content)) > FILE_BYTES_MAX:
        raise ValueError(f"{name} has more than {FILE_BYTES_MAX:,} bytes")
    return content


class _Rejoined(io.RawIOBase):
    """A stream of which the first bytes were read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] if self._head else self._rest.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)
