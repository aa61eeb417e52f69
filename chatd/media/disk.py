"""The calls to the disk that media make, all of them; a test puts a disk in their place that loses power."""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Protocol

# Errors that pass when something is deleted. After any other the disk is not believed.
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Disk(Protocol):
    """Synchronous calls, made in threads. Each raises OSError."""

    def open(self, path: Path | str, *, make: bool = False) -> int:
        """Return a descriptor to read and write, not through a link; `make`: of a new file where there is none."""

    def close(self, descriptor: int) -> None: ...

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        """Write all of it."""

    def read_at(self, descriptor: int, count: int, offset: int) -> bytes:
        """Return so many bytes, fewer at the end."""

    def truncate(self, descriptor: int, size: int) -> None: ...

    def sync(self, descriptor: int) -> None:
        """Return when the content of a file, and its name where it is new, will be there after a power cut."""

    def sync_names(self, directory: Path) -> None:
        """Return when the names in a directory will be there after a power cut."""

    def rename(self, source: Path, target: Path) -> None: ...

    def delete(self, path: Path) -> None:
        """Delete a file, if it is there."""

    def make_directory(self, path: Path) -> None:
        """Make a directory, unless it is there."""

    def names(self, directory: Path) -> Sequence[str]: ...

    def size(self, path: Path) -> int | None:
        """Return the bytes of a file, None where there is none."""

    def read(self, path: Path) -> bytes:
        """Return the content of a small file, nothing where there is none."""

    def digest(self, path: Path) -> bytes:
        """Return the SHA-256 of a file."""

    def free_bytes(self, directory: Path) -> int:
        """Return the bytes that may still be written."""


class SystemDisk(Disk):
    """The disk of this machine."""

    def open(self, path: Path | str, *, make: bool = False) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(path, flags | (os.O_CREAT if make else 0), 0o600)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        left = memoryview(data)
        while left:
            count = os.pwrite(descriptor, left, offset)
            left, offset = left[count:], offset + count

    def read_at(self, descriptor: int, count: int, offset: int) -> bytes:
        return os.pread(descriptor, count, offset)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def sync_names(self, directory: Path) -> None:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def delete(self, path: Path) -> None:
        with suppress(FileNotFoundError):
            os.unlink(path)

    def make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)

    def names(self, directory: Path) -> Sequence[str]:
        return sorted(os.listdir(directory))

    def size(self, path: Path) -> int | None:
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None

    def read(self, path: Path) -> bytes:
        with suppress(FileNotFoundError):
            return path.read_bytes()
        return b""

    def digest(self, path: Path) -> bytes:
        with path.open("rb") as file:
            return file_digest(file, "sha256").digest()

    def free_bytes(self, directory: Path) -> int:
        found = os.statvfs(directory)
        return found.f_bavail * found.f_frsize
