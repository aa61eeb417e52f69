"""The directory of files: where an object lies, and the lock that keeps it there while a backup is made."""

import fcntl
from base64 import urlsafe_b64decode
from binascii import Error
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from chatd.media.interface import INCOMING, OBJECTS

FILE_CHARACTERS = 22
"""Of the id of a file, with which the name of each of its objects begins."""

LOCK, PROCESS_LOCK = "backup.lock", "process.lock"


def folder_of(name: str) -> str:
    """Return the folder of an object: the first byte of its file, in hexadecimal. Raises ValueError for no name.

    >>> folder_of("Fz3kQ0aaaaaaaaaaaaaaaa-m")
    '17'
    """
    try:
        return urlsafe_b64decode(name[:4])[:1].hex()
    except Error as error:
        raise ValueError(f"{name!r} is no object") from error


def path_of(directory: Path, name: str) -> Path:
    """Return the path of an object."""
    return directory.joinpath(OBJECTS, folder_of(name), name)


def key_of(name: str) -> str:
    """Return the key of an object in a bucket, which is its path below `objects/`."""
    return f"{folder_of(name)}/{name}"


def objects_on_disk(directory: Path) -> Iterator[Path]:
    """Yield the files of all objects, folder by folder."""
    with suppress(FileNotFoundError):
        for folder in sorted((directory / OBJECTS).iterdir()):
            if folder.is_dir():
                yield from sorted(folder.iterdir())


def incoming_on_disk(directory: Path) -> Iterator[Path]:
    """Yield what is on its way: FILE and FILE.at."""
    with suppress(FileNotFoundError):
        yield from sorted((directory / INCOMING).iterdir())


def alone(directory: Path) -> IO[str]:
    """Wait until no other process takes files here; none does until the file is closed."""
    lock = (directory / PROCESS_LOCK).open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


@contextmanager
def kept(directory: Path) -> Iterator[None]:
    """Hold the directory as it is: nothing is deleted within the block, and files may come."""
    with (directory / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextmanager
def deleting(directory: Path) -> Iterator[bool]:
    """Tell whether something may be deleted within the block: not while a backup is made."""
    with (directory / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
