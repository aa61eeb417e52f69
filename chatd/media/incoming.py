"""Uploads that are not whole, on the disk: FILE, and FILE.at, which says how much of it is there for sure.

The bytes are synced before FILE.at says so, and FILE.at is never synced: after a crash it says at most what is there.
All calls wait for the disk.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chatd.core.files import SUFFIXES
from chatd.media.disk import Disk
from chatd.media.inspection import Descriptors
from chatd.media.interface import INCOMING
from chatd.media.layout import FILE_CHARACTERS
from chatd.protocol.media import Variant

AT = ".at"
NAME = re.compile(rf"([A-Za-z0-9_\-]{{{FILE_CHARACTERS}}})(?:\.[a-z]+)?\Z")
NOTE = re.compile(rb"([0-9]{1,16}) (-1|[0-9]{1,16}) ([0-9]{1,3}) *\Z")
# Shorter than what a disk writes whole or not at all.
AT_BYTES = 64


@dataclass(slots=True, frozen=True)
class Progress:
    """`offset`: bytes that are there. `length`: as a request said later, else None. `attempts`: to inspect it."""

    offset: int = 0
    length: int | None = None
    attempts: int = 0


class Incoming:
    """The directory of uploads. All methods raise OSError."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory / INCOMING
        self._disk = disk

    def path(self, file: str) -> Path:
        return self._directory / file

    def rendition(self, file: str, variant: Variant) -> Path:
        """Return the path of a rendition that is being made."""
        return self._directory / f"{file}.{variant}"

    def files(self) -> list[str]:
        """Return the ids of all uploads of which something is here; what has another name is nobody's."""
        return sorted({found[1] for name in self._disk.names(self._directory) if (found := NAME.match(name))})

    def size(self, file: str) -> int | None:
        return self._disk.size(self.path(file))

    def was_taken(self, file: str) -> bool:
        """Whether its bytes came and lie elsewhere now, as an object. After a power cut it may have to come again."""
        return self.size(file) is None and bool(self._disk.read(self._at(file)))

    def make(self, file: str) -> None:
        """Make an empty upload, unless there is one."""
        self._disk.close(self._disk.open(self.path(file), make=True))

    def digest(self, file: str) -> bytes:
        return self._disk.digest(self.path(file))

    def progress(self, file: str) -> Progress:
        """Return how far an upload came."""
        noted = NOTE.match(self._disk.read(self._at(file)))
        if noted is None:
            # A power cut, or a bad disk: the upload begins anew.
            return Progress()
        offset, length, attempts = map(int, noted.groups())
        return Progress(min(offset, self.size(file) or 0), None if length < 0 else length, attempts)

    def note(self, file: str, progress: Progress) -> None:
        """Note how far an upload came, whose bytes are synced."""
        length = -1 if progress.length is None else progress.length
        descriptor = self._disk.open(self._at(file), make=True)
        try:
            text = f"{progress.offset} {length} {progress.attempts}".ljust(AT_BYTES)
            self._disk.write(descriptor, text.encode(), 0)
        finally:
            self._disk.close(descriptor)

    def keep(self, file: str, descriptor: int, progress: Progress) -> None:
        """Sync the bytes of an upload, then note them. Of a whole one nothing is left behind its end."""
        if progress.offset == progress.length:
            self._disk.truncate(descriptor, progress.offset)
        self._disk.sync(descriptor)
        self.note(file, progress)

    @contextmanager
    def opened(self, file: str) -> Iterator[Descriptors]:
        """Open a whole upload, and three empty files for what is made of it."""
        open_now = [self._disk.open(self.path(file))]
        try:
            for variant in SUFFIXES:
                open_now.append(self._disk.open(self.rendition(file, variant), make=True))
                self._disk.truncate(open_now[-1], 0)
            yield Descriptors(*open_now)
        finally:
            for descriptor in open_now:
                self._disk.close(descriptor)

    def delete(self, file: str) -> None:
        """Delete what there is of an upload; at the next start nothing of it is left."""
        self.tidy(file)
        self._disk.sync_names(self._directory)

    def tidy(self, file: str) -> None:
        """Delete what there is of an upload that has ended; what a power cut brings back goes at the next start."""
        for path in (self.path(file), *(self.rendition(file, one) for one in SUFFIXES), self._at(file)):
            self._disk.delete(path)

    def _at(self, file: str) -> Path:
        return self._directory / (file + AT)
