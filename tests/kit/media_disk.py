"""A disk in memory for media: it fails where a test wants it to, and tells what a power cut would leave."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from hashlib import sha256
from pathlib import Path
from typing import Any

from chatd.media.disk import Disk
from tests.kit.simulated_disk import Choose, Kind, Operation, SimulatedDisk

PLENTY = 1 << 50


class MemoryDisk(Disk):
    """The files below `root`, whatever lies there. `journal`: what was done, in order. `fault`: fails what it returns
    a number of an error for. A `journal` may be shared with another disk that loses power with this one.
    """

    def __init__(
        self, root: Path, files: Mapping[str, bytes] | None = None, journal: list[Operation] | None = None
    ) -> None:
        self.root = root
        self._before = dict(files or {})
        self.files = {name: bytearray(content) for name, content in self._before.items()}
        self.journal: list[Operation] = [] if journal is None else journal
        self.fault: Callable[[Operation], int] = lambda operation: 0
        self.free = PLENTY
        self._open: dict[int, str] = {}
        self._number = 1000

    def survivors(self, upto: int, choose: Choose) -> dict[str, bytes]:
        """Return the files that a power cut after so many operations leaves; `choose(n)` draws from 0 to n - 1."""
        platter = SimulatedDisk(self._before)
        for operation in self.journal[:upto]:
            platter.feed(operation, choose)
        return platter.survive(choose)

    def content(self, descriptor: int) -> bytes:
        """Return all of an open file."""
        return bytes(self.files[self._open[descriptor]])

    def go_on(self) -> "MemoryDisk":
        """Return the disk for another process: what this one had not synced is still not synced."""
        disk = MemoryDisk(self.root, self._before, [*self.journal])
        disk.files = {name: bytearray(content) for name, content in self.files.items()}
        return disk

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _do(self, kind: Kind, name: str, offset: int = 0, content: bytes = b"", to: str = "") -> None:
        operation = Operation(kind, name, offset, content, to)
        if code := self.fault(operation):
            if kind == Kind.SYNC:
                self.journal.append(operation._replace(kind=Kind.FAILED_SYNC))
            raise OSError(code, os.strerror(code))
        self.journal.append(operation)

    def open(self, path: Path | str, *, make: bool = False) -> int:
        name = self._name(Path(path))
        if name not in self.files:
            if not make:
                raise FileNotFoundError(errno.ENOENT, name)
            self._do(Kind.CREATE, name)
            self.files[name] = bytearray()
        self._number += 1
        self._open[self._number] = name
        return self._number

    def close(self, descriptor: int) -> None:
        del self._open[descriptor]

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        name, content = self._open[descriptor], bytes(data)
        self._do(Kind.WRITE, name, offset, content)
        held = self.files[name]
        held.extend(bytes(max(0, offset - len(held))))
        held[offset : offset + len(content)] = content

    def read_at(self, descriptor: int, count: int, offset: int) -> bytes:
        return bytes(self.files[self._open[descriptor]][offset : offset + count])

    def truncate(self, descriptor: int, size: int) -> None:
        name = self._open[descriptor]
        self._do(Kind.TRUNCATE, name, size)
        del self.files[name][size:]

    def sync(self, descriptor: int) -> None:
        self._do(Kind.SYNC, self._open[descriptor])

    def sync_names(self, directory: Path) -> None:
        self._do(Kind.SYNC_DIRECTORY, self._name(directory))

    def rename(self, source: Path, target: Path) -> None:
        names = self._name(source), self._name(target)
        self._do(Kind.RENAME, names[0], to=names[1])
        self.files[names[1]] = self.files.pop(names[0])

    def delete(self, path: Path) -> None:
        name = self._name(path)
        if name in self.files:
            self._do(Kind.DELETE, name)
            del self.files[name]

    def make_directory(self, path: Path) -> None:
        """Directories are there."""

    def names(self, directory: Path) -> Sequence[str]:
        start = f"{self._name(directory)}/"
        return sorted(name.removeprefix(start) for name in self.files if name.startswith(start))

    def size(self, path: Path) -> int | None:
        held = self.files.get(self._name(path))
        return None if held is None else len(held)

    def read(self, path: Path) -> bytes:
        return bytes(self.files.get(self._name(path), b""))

    def digest(self, path: Path) -> bytes:
        return sha256(self.files[self._name(path)]).digest()

    def free_bytes(self, directory: Path) -> int:
        return self.free


class Inline(Executor):
    """A pool whose calls are over when they are submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future
