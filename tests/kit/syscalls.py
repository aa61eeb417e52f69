"""The operations of Python itself on the files of a watched directory, reported and failed like those of SQLite.

They are renames, removals, syncs, and writes at a place; content written in other ways is taken as durable when
found.
"""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.kit.simulated_disk import Kind, Operation
from tests.kit.vfs import Watcher

ERRNO = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_CANTOPEN: errno.EMFILE,
    sqlite3.SQLITE_READONLY: errno.EROFS,
}

watchers: dict[Path, Watcher] = {}
# The functions of `os` as they were.
replaced: dict[str, Callable[..., Any]] = {}


def watch(watcher: Watcher) -> None:
    """Report the operations by name in the directory of `watcher`."""
    if not watchers:
        for function in (replace, unlink, pwrite, fsync):
            replaced[function.__name__] = getattr(os, function.__name__)
            setattr(os, function.__name__, function)
    watchers[watcher.directory] = watcher


def forget(watcher: Watcher) -> None:
    if watchers.pop(watcher.directory, None) is not None and not watchers:
        for name, function in replaced.items():
            setattr(os, name, function)


def watcher_of(path: Any) -> Watcher | None:
    """Return the watcher of the directory of `path`; no code here gives one relative to a descriptor."""
    return watchers.get(Path(os.path.realpath(os.path.dirname(os.path.abspath(path)))))


def carried(watcher: Watcher | None, operation: Operation, real: Callable[[], None]) -> None:
    """Do `operation` unless it shall fail, and keep it when it happened."""
    fault = watcher.ask(operation) if watcher is not None else None
    if fault is not None:
        code = ERRNO.get(fault.code & 0xFF, errno.EIO)
        raise OSError(code, os.strerror(code), operation.file)
    real()
    if watcher is not None:
        watcher.keep(operation)


def replace(source: Any, target: Any, **options: Any) -> None:
    watcher = watcher_of(source)
    if watcher is not None:
        watcher.adopt(os.path.basename(source))
    operation = Operation(Kind.RENAME, os.path.basename(source), to=os.path.basename(target))
    carried(watcher, operation, lambda: replaced["replace"](source, target, **options))


def unlink(path: Any, **options: Any) -> None:
    watcher = watcher_of(path) if os.path.lexists(path) else None
    carried(
        watcher, Operation(Kind.DELETE, os.path.basename(path)), lambda: replaced["unlink"](path, **options)
    )


def pwrite(descriptor: int, content: bytes, offset: int) -> int:
    path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
    watcher = watcher_of(path)
    if watcher is not None:
        watcher.adopt(path.name)
    operation = Operation(Kind.WRITE, path.name, offset, bytes(content))
    carried(watcher, operation, lambda: replaced["pwrite"](descriptor, content, offset))
    return len(content)


def fsync(descriptor: int) -> None:
    """Sync a file, or a directory: its names."""
    path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
    if path in watchers:
        carried(watchers[path], Operation(Kind.SYNC_DIRECTORY, ""), lambda: replaced["fsync"](descriptor))
        return
    # A directory below is none of the files that are watched.
    watcher = None if path.is_dir() else watcher_of(path)
    if watcher is not None:
        watcher.adopt(path.name)
    carried(watcher, Operation(Kind.SYNC, path.name), lambda: replaced["fsync"](descriptor))
