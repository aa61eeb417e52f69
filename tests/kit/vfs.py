"""Python between SQLite and its files: the SQLite of the standard library, with a few of its file methods replaced.

The default VFS is copied and registered in place of itself. Files below a watched directory get a copy of their
method table in which the writing methods are those of this file and call the real ones; the rest stays that of
SQLite.
"""

import ctypes
import functools
import os
import sqlite3
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, PYFUNCTYPE, Structure, addressof, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.kit.simulated_disk import Kind, Operation

IOERR = sqlite3.SQLITE_IOERR
NAME = b"watched"
OPEN_CREATE = 0x4
# A main journal, a super-journal, a WAL: at the first sync of one that may be new, the unix VFS of SQLite syncs the
# directory too, by itself, past this layer (os_unix.c, UNIXFILE_DIRSYNC).
OPEN_JOURNALS = 0x800 | 0x4000 | 0x80000

# The prototypes of sqlite.org/c3ref/io_methods.html and vfs.html that are replaced. The real ones of the PY kind
# keep Python's lock: they are short. A sync is long, and others go on meanwhile.
Write = (c_int, c_void_p, c_void_p, c_int, c_int64)
Truncate = (c_int, c_void_p, c_int64)
Sync = (c_int, c_void_p, c_int)
Close = (c_int, c_void_p)
# The name as an address: SQLite reads on behind it.
Open = (
    c_int,
    c_void_p,
    c_void_p,
    c_void_p,
    c_int,
    c_void_p,
)
Delete = (c_int, c_void_p, c_void_p, c_int)


class Unwatchable(Exception):
    """The reason why nothing can be put between this Python's SQLite and its files."""


class Fails(Protocol):
    """The failure of an operation: `code`, after `written` bytes."""

    @property
    def code(self) -> int: ...
    @property
    def written(self) -> int: ...


class Watcher(Protocol):
    """The receiver of the operations on files below `directory`."""

    directory: Path
    reads: bool
    errors: list[BaseException]

    def ask(self, operation: Operation) -> Fails | None: ...
    def keep(self, operation: Operation) -> None: ...
    def adopt(self, name: str) -> None: ...


class Vfs(Structure):
    """The struct sqlite3_vfs; the functions that are replaced have names, the others are one block."""

    _fields_ = (
        ("version", c_int),
        ("file_size", c_int),
        ("path_max", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("app", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
        ("others", c_void_p * 14),
    )


class Methods(Structure):
    """The struct sqlite3_io_methods up to version 3."""

    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        ("others", c_void_p * 13),
    )


class Real:
    """The functions of one method table as SQLite made it."""

    def __init__(self, methods: Methods) -> None:
        self.close = CFUNCTYPE(*Close)(methods.close)
        self.read = PYFUNCTYPE(*Write)(methods.read)
        self.write = PYFUNCTYPE(*Write)(methods.write)
        self.truncate = PYFUNCTYPE(*Truncate)(methods.truncate)
        self.sync = CFUNCTYPE(*Sync)(methods.sync)


@dataclass(slots=True)
class Opened:
    """A file that SQLite holds open."""

    name: str
    watcher: Watcher
    real: Real
    syncs_directory: bool


# The watchers by directory, with a slash.
watchers: dict[str, Watcher] = {}
# The open files by the address of the file object of SQLite.
opened: dict[int, Opened] = {}


def watch(watcher: Watcher) -> None:
    """Report to `watcher` every file that is opened below its directory from now on. Raises Unwatchable."""
    layer = installed()
    if not watchers:
        layer.register()
    watchers[f"{watcher.directory}/"] = watcher


def forget(watcher: Watcher) -> None:
    """Report no further files to it."""
    if watchers.pop(f"{watcher.directory}/", None) is not None and not watchers:
        installed().unregister()


def watcher_of(path: str) -> tuple[Watcher, str] | None:
    """Return the watcher of `path`, and the name of the file in its directory."""
    for directory, watcher in watchers.items():
        if path.startswith(directory):
            return watcher, path[len(directory) :]
    return None


def library() -> ctypes.CDLL:
    """Return the SQLite that `sqlite3` uses. Raises Unwatchable where it was built in and hidden."""
    import _sqlite3

    # A look-up includes what it depends on.
    found = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    try:
        found.sqlite3_libversion.restype = c_char_p
        found.sqlite3_vfs_find.restype = POINTER(Vfs)
        version = found.sqlite3_libversion().decode()
    except AttributeError as error:
        raise Unwatchable(f"this Python hides its SQLite: {error}") from error
    if version != sqlite3.sqlite_version:
        raise Unwatchable(f"found SQLite {version}, but sqlite3 uses {sqlite3.sqlite_version}")
    return found


@functools.cache
def installed() -> "Layer":
    return Layer(library())


class Layer:
    """The VFS and the method tables; they live as long as the process, as SQLite may keep pointing at them."""

    def __init__(self, sqlite: ctypes.CDLL) -> None:
        self._sqlite = sqlite
        real = sqlite.sqlite3_vfs_find(None).contents
        self._real_open = CFUNCTYPE(*Open)(real.open)
        self._real_delete = CFUNCTYPE(*Delete)(real.delete)
        self._vfs = Vfs.from_buffer_copy(real)
        self._vfs.name = NAME
        self._open, self._delete = CFUNCTYPE(*Open)(self.open), CFUNCTYPE(*Delete)(self.delete)
        self._vfs.open = ctypes.cast(self._open, c_void_p)
        self._vfs.delete = ctypes.cast(self._delete, c_void_p)
        self._callbacks: dict[str, Any] = {
            "close": CFUNCTYPE(*Close)(close),
            "read": CFUNCTYPE(*Write)(read),
            "write": CFUNCTYPE(*Write)(write),
            "truncate": CFUNCTYPE(*Truncate)(truncate),
            "sync": CFUNCTYPE(*Sync)(sync),
        }
        self._tables: dict[tuple[int, bool], tuple[Methods, Real]] = {}

    def register(self) -> None:
        self._sqlite.sqlite3_vfs_register(ctypes.byref(self._vfs), 1)

    def unregister(self) -> None:
        self._sqlite.sqlite3_vfs_unregister(ctypes.byref(self._vfs))

    def open(self, vfs: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        """Run xOpen: the real one, then replace its table. A file without a name is a temporary one."""
        found = watcher_of(path_at(name)) if name else None
        if found is None:
            return int(self._real_open(vfs, name, file, flags, out))
        return self._open_watched((vfs, name, file, flags, out), *found)

    def _open_watched(self, call: tuple[Any, ...], watcher: Watcher, name: str) -> int:
        file = call[2]
        try:
            created = not os.path.exists(watcher.directory / name)
            creation = Operation(Kind.CREATE, name)
            fault = watcher.ask(creation) if created else None
            if fault is not None:
                # No methods: SQLite does not close it.
                c_void_p.from_address(file).value = None
                return fault.code
            code = int(self._real_open(*call))
            if code == 0:
                (watcher.keep(creation) if created else watcher.adopt(name))
                self._take(file, name, watcher, call[3])
            return code
        except BaseException as error:
            return failed(watcher, error)

    def _take(self, file: int, name: str, watcher: Watcher, flags: int) -> None:
        pointer = c_void_p.from_address(file)
        assert pointer.value is not None
        methods, real = self._table(pointer.value, watcher.reads)
        new_journal = bool(flags & OPEN_CREATE and flags & OPEN_JOURNALS)
        opened[file] = Opened(name, watcher, real, new_journal)
        pointer.value = addressof(methods)

    def _table(self, address: int, reads: bool) -> tuple[Methods, Real]:
        """Return the replacement of the method table at `address`."""
        if (address, reads) not in self._tables:
            original = Methods.from_address(address)
            ours = Methods.from_buffer_copy(original)
            for name, callback in self._callbacks.items():
                if name != "read" or reads:
                    setattr(ours, name, ctypes.cast(callback, c_void_p))
            self._tables[address, reads] = ours, Real(original)
        return self._tables[address, reads]

    def delete(self, vfs: int, name: int, sync_directory: int) -> int:
        """Run xDelete."""
        found = watcher_of(path_at(name))
        if found is None:
            return int(self._real_delete(vfs, name, sync_directory))
        watcher, file = found
        try:
            operation = Operation(Kind.DELETE, file)
            fault = watcher.ask(operation)
            if fault is not None:
                return fault.code
            code = int(self._real_delete(vfs, name, sync_directory))
            if code == 0:
                watcher.keep(operation)
                if sync_directory:
                    watcher.keep(Operation(Kind.SYNC_DIRECTORY, ""))
            return code
        except BaseException as error:
            return failed(watcher, error)


def path_at(address: int) -> str:
    return os.fsdecode(ctypes.string_at(address))


def failed(watcher: Watcher, error: BaseException) -> int:
    """Keep an exception for the test, since none passes through SQLite, which gets an I/O error."""
    watcher.errors.append(error)
    return IOERR


def carried(file: Opened, operation: Operation, real: Callable[..., int], call: tuple[Any, ...]) -> int:
    """Do `operation` unless it shall fail, and keep it when it happened."""
    watcher = file.watcher
    try:
        fault = watcher.ask(operation)
        code = real(*call) if fault is None else fault.code
        if code == 0:
            watcher.keep(operation)
        return code
    except BaseException as error:
        return failed(watcher, error)


def write(address: int, buffer: int, amount: int, offset: int) -> int:
    """Run xWrite. A fault may let the first bytes through."""
    file = opened[address]
    watcher = file.watcher
    try:
        operation = Operation(Kind.WRITE, file.name, offset, ctypes.string_at(buffer, amount))
        fault = watcher.ask(operation)
        if fault is not None:
            if fault.written:
                file.real.write(address, buffer, fault.written, offset)
            return fault.code
        code: int = file.real.write(address, buffer, amount, offset)
        if code == 0:
            watcher.keep(operation)
        return code
    except BaseException as error:
        return failed(watcher, error)


def read(address: int, buffer: int, amount: int, offset: int) -> int:
    """Run xRead, and report it when the watcher wants to see reads."""
    file = opened[address]
    try:
        fault = file.watcher.ask(Operation(Kind.READ, file.name, offset))
        return file.real.read(address, buffer, amount, offset) if fault is None else fault.code
    except BaseException as error:
        return failed(file.watcher, error)


def truncate(address: int, size: int) -> int:
    file = opened[address]
    return carried(file, Operation(Kind.TRUNCATE, file.name, size), file.real.truncate, (address, size))


def sync(address: int, flags: int) -> int:
    file = opened[address]
    code = carried(file, Operation(Kind.SYNC, file.name), file.real.sync, (address, flags))
    if code == 0 and file.syncs_directory:
        file.syncs_directory = False
        file.watcher.keep(Operation(Kind.SYNC_DIRECTORY, ""))
    return code


def close(address: int) -> int:
    return int(opened.pop(address).real.close(address))
