"""A directory whose disk is watched: every write and sync in order, faults where a test wants them, power cuts.

Operations of SQLite come from `tests.kit.vfs`, those of Python itself from `tests.kit.syscalls`; the state that a
power cut leaves is decided in `tests.kit.simulated_disk`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import pytest

from tests.kit import syscalls, vfs
from tests.kit.simulated_disk import Choose, Kind, Operation, SimulatedDisk

# The index that SQLite keeps of the log: shared memory, built anew after every crash.
INDEX = "-shm"
# SQLITE_IOERR: the error of every open file when the power is off.
GONE = 10


class Fault(NamedTuple):
    """An operation that fails with the SQLite result `code`; of a write the first `written` bytes happen."""

    code: int
    written: int = 0


Hook = Callable[[int, Operation], Fault | None]


class Disk:
    """The disk below `directory` from `start` (or `with`) to `stop`.

    `journal` holds the operations in order; older content is durable and not in it. `fault(index, operation)` is
    called before each operation, with the index it would get in the journal: a Fault makes it fail, and the hook may
    wait. It gets reads only with `reads`, and they are never kept. With `after` the disk is that of another
    directory, moved here with the files as the system shows them: what it had not synced is still not synced.
    """

    def __init__(self, directory: Path, *, reads: bool = False, after: "Disk | None" = None) -> None:
        self.directory = Path(os.path.realpath(directory))
        self.reads = reads
        self.journal: list[Operation] = []
        self.fault: Hook | None = None
        # Exceptions that a hook raised inside SQLite, which has none.
        self.errors: list[BaseException] = []
        self._powered = True
        self._before: dict[str, bytes] = {}
        self._known: set[str] = set()
        if after is not None:
            after.cut()
            self._take_over(after)
        self._after = after
        self._platter: SimulatedDisk | None = None
        self._fed = 0

    def start(self) -> Self:
        """Watch the directory, whose content is durable now. Raises vfs.Unwatchable where SQLite cannot be watched."""
        if self._after is None:
            self._before = files_in(self.directory)
            self._known = set(self._before)
        vfs.watch(self)
        syscalls.watch(self)
        return self

    def stop(self) -> None:
        """Stop watching new files; an open file stays watched until it is closed."""
        vfs.forget(self)
        syscalls.forget(self)

    def cut(self) -> None:
        """Cut the power: nothing reaches the disk any more, and every operation gets an I/O error."""
        self._powered = False

    def mark(self, label: str) -> None:
        """Note in the journal that something was promised here, such as the acknowledgement of a message."""
        self.journal.append(Operation(Kind.MARK, label))

    def marks(self, upto: int) -> list[str]:
        """Return the labels of the marks among the first `upto` operations."""
        return [operation.file for operation in self.journal[:upto] if operation.kind == Kind.MARK]

    def survivors(self, upto: int, choose: Choose) -> dict[str, bytes]:
        """Return name and content of the files that a power cut after `upto` operations may leave.

        `choose(n)` draws from 0 to n - 1; 0 is the calmest: everything that was written is there. Cuts asked for in
        rising order cost only the operations between them.
        """
        if self._platter is None or upto < self._fed:
            self._platter, self._fed = SimulatedDisk(self._before), 0
        for operation in self.journal[self._fed : upto]:
            self._platter.feed(operation, choose)
        self._fed = upto
        return self._platter.survive(choose)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.check()

    def check(self) -> None:
        """Raise the first failure inside the layer itself."""
        if self.errors:
            raise self.errors[0]

    def _take_over(self, other: "Disk") -> None:
        lay(files_in(other.directory), self.directory)
        self.journal, self._before, self._known = other.journal, other._before, other._known

    # for vfs and syscalls

    def ask(self, operation: Operation) -> Fault | None:
        """Return whether `operation` shall fail. The part that a failed one leaves is kept."""
        if not self._powered:
            return Fault(GONE)
        fault = self.fault(len(self.journal), operation) if self.fault is not None else None
        if fault is not None:
            self._keep_rest(operation, fault)
        return fault

    def _keep_rest(self, operation: Operation, fault: Fault) -> None:
        if operation.kind == Kind.SYNC:
            self.journal.append(operation._replace(kind=Kind.FAILED_SYNC))
        elif operation.kind == Kind.WRITE and fault.written:
            self.journal.append(operation._replace(content=operation.content[: fault.written]))

    def keep(self, operation: Operation) -> None:
        """Keep an operation that happened."""
        if operation.file.endswith(INDEX):
            return
        self.journal.append(operation)
        match operation.kind:
            case Kind.CREATE:
                self._known.add(operation.file)
            case Kind.DELETE:
                self._known.discard(operation.file)
            case Kind.RENAME:
                self._known -= {operation.file}
                self._known |= {operation.to}

    def adopt(self, name: str) -> None:
        """Add a file that was made elsewhere, such as one a test wrote: its content is durable."""
        path = self.directory / name
        if name not in self._known and is_kept(path):
            self._known.add(name)
            self.journal.append(Operation(Kind.FOUND, name, content=path.read_bytes()))


def files_in(directory: Path) -> dict[str, bytes]:
    """Return name and content of the files that matter after a crash."""
    found = directory.iterdir() if directory.exists() else ()
    return {path.name: path.read_bytes() for path in found if is_kept(path)}


def is_kept(path: Path) -> bool:
    """Whether the content of a file matters after a crash."""
    return path.is_file() and not path.name.endswith(INDEX)


@contextmanager
def watched(directory: Path, *, reads: bool = False) -> Iterator[Disk]:
    """Watch a directory around a block; skips the test where SQLite cannot be watched."""
    try:
        vfs.library()
    except vfs.Unwatchable as reason:
        pytest.skip(str(reason))
    with Disk(directory, reads=reads) as disk:
        yield disk


def lay(files: dict[str, bytes], directory: Path) -> None:
    """Write the files that survived into a new directory."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / name).touch(mode=0o600)
        (directory / name).write_bytes(content)
