"""The directory of one database: its files, and the lock that keeps a second daemon out."""

import errno
import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatd.config.file_permissions import CHANGE, LOOK, PRIVATE, TOUCH, Fault, fault
from chatd.storage.sqlite.errors import StoreError, opening
from chatd.storage.sqlite.mounts import network_filesystem

# At a time: few calls, and little memory.
REWRITTEN_BYTES = 1 << 20
# Other users of the machine may not read messages.
OWNER_ONLY = 0o700

log = logging.getLogger("chatd.storage")


class Directory:
    """The files of one data directory.

    `fresh`: a first database, until it is whole. `restored`: a backup that is being put in place. `replaced`: the
    database that a restore replaced.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.database = self.path / "chatd.sqlite"
        self.wal = self.path / "chatd.sqlite-wal"
        self.lock = self.path / "chatd.lock"
        self.fresh = self.path / "chatd.sqlite.new"
        self.restored = self.path / "chatd.sqlite.restore"
        self.replaced = self.path / "chatd.sqlite.replaced"

    def prepare(self) -> None:
        """Make the directory if only its last part is missing; raise StoreError when it cannot be written."""
        with opening(self.path):
            self.path.mkdir(mode=OWNER_ONLY, exist_ok=True)
            self.require_private()
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "no permission to write")
        kind = network_filesystem(self.path.resolve())
        if kind is not None:
            raise StoreError(
                "unsupported",
                self.path,
                f"the directory is on a network file system ({kind})",
                "SQLite is safe on local disks only: give a directory on one",
            )

    def require_private(self) -> None:
        """Refuse a directory that others own or may change: StoreError("unsafe"). Warn when others may read it."""
        if wrong := fault(self.path, CHANGE):
            raise unsafe(self.path, wrong)
        if wrong := fault(self.path, LOOK):
            log.warning("%s: %s. %s", self.path, *wrong)

    def require_private_files(self) -> None:
        """Refuse a database, or a part or copy of it, that others own or may open: StoreError("unsafe")."""
        for path in (self.database, *self.remains()):
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(status.st_mode):
                raise unsafe(path, Fault("this is not a regular file", "Put the database itself there"))
            if wrong := fault(path, TOUCH, status):
                raise unsafe(path, wrong)

    def has_database(self) -> bool:
        """Whether there is a database; raises StoreError when the directory cannot be read."""
        with opening(self.path):
            try:
                self.database.stat()
            except (FileNotFoundError, NotADirectoryError):
                return False
        return True

    def require_database(self) -> None:
        """Raise StoreError("missing") when there is no database, which only the first start makes."""
        if not self.has_database():
            raise StoreError(
                "missing",
                self.path,
                "there is no database here",
                "Give the directory of the daemon, with --data or --config; its first start makes the database",
            )

    def holder(self) -> str | None:
        """Return the pid that the daemon using the directory has noted; None when there is no such daemon."""
        with opening(self.lock):
            try:
                descriptor = os.open(self.lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return pid_in(descriptor)
            finally:
                os.close(descriptor)
        return None

    def remains(self) -> list[Path]:
        """Return files that belong beside a database: alone they are left from an interrupted restore or a loss."""
        return [path for path in (self.wal, self.restored, self.replaced) if path.exists()]


class Lock:
    """The lock that keeps `directory` to one process; the system releases it however the process ends."""

    def __init__(self, descriptor: int, directory: Path) -> None:
        self._descriptor = descriptor
        self.directory = directory

    @classmethod
    def take(cls, directory: Directory) -> "Lock":
        """Lock the directory and write our pid to the file; raise StoreError("in_use") when another process has it."""
        with opening(directory.lock):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(directory.lock, flags, PRIVATE)
            try:
                cls._lock(descriptor, directory)
            except BaseException:
                os.close(descriptor)
                raise
        return cls(descriptor, directory.path)

    @staticmethod
    def _lock(descriptor: int, directory: Directory) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise in_use(directory, pid_in(descriptor)) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Release the lock; the file stays, because it may be locked by another process by now."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def unsafe(path: Path, wrong: Fault) -> StoreError:
    return StoreError("unsafe", path, *wrong)


def pid_in(descriptor: int) -> str:
    """Return the pid in a lock file, as its holder wrote it."""
    return os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()


def in_use(directory: Directory, holder: str) -> StoreError:
    who = f"the chatd with pid {holder}" if holder.isdecimal() else "another chatd"
    return StoreError(
        "in_use", directory.path, f"{who} uses this directory", "Stop it first, or give another directory"
    )


@contextmanager
def locked(directory: Directory) -> Iterator[None]:
    """Hold the lock of `directory` for a block."""
    lock = Lock.take(directory)
    try:
        yield
    finally:
        lock.release()


def sync_file(path: Path) -> None:
    """Bring a file's content to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rewrite(path: Path) -> None:
    """Write a file over itself and bring it to the disk, if there is one.

    After a flush failed, the system may hold pages that it takes for written though they are not on the disk: reads
    return them, no later flush writes them, and they are lost in the next power cut.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        offset = 0
        while piece := os.pread(descriptor, REWRITTEN_BYTES, offset):
            offset += os.pwrite(descriptor, piece, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(source: Path, destination: Path) -> None:
    """Rename `source` to `destination`, durably and atomically: after a crash one of both exists, whole."""
    sync_file(source)
    os.replace(source, destination)
    sync_file(destination.parent)
