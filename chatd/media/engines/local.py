"""The engine `local`: objects in 256 folders of one directory."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from chatd.media.disk import Disk
from chatd.media.engines.objects import Objects
from chatd.media.interface import INCOMING, OBJECTS
from chatd.media.layout import deleting, folder_of, path_of

# A backup of a million files takes minutes.
BACKUP_LOOK_S = 5.0

P = ParamSpec("P")
T = TypeVar("T")


async def in_pool(pool: Executor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the result of a call that waits for the disk. It has ended when this does, also when that is cancelled."""
    running = asyncio.get_running_loop().run_in_executor(pool, lambda: call(*args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise


class LocalObjects(Objects):
    """Objects on the disk of this machine, in a directory that is there."""

    def __init__(self, directory: Path, disk: Disk, pool: Executor) -> None:
        self._directory = directory
        self._disk = disk
        self._pool = pool

    async def prepare(self) -> None:
        await in_pool(self._pool, self._prepare)

    async def put(self, name: str, source: Path, digest: bytes = b"") -> None:
        await in_pool(self._pool, self._put, name, source)

    async def size(self, name: str) -> int | None:
        return await in_pool(self._pool, self._disk.size, path_of(self._directory, name))

    async def digest(self, name: str) -> bytes:
        return await in_pool(self._pool, self._disk.digest, path_of(self._directory, name))

    def open(self, name: str) -> int:
        """Return a descriptor of an object, to be closed by the caller. Raises OSError."""
        # Not by `path_of`: to make a path is a tenth of what a small file costs.
        return self._disk.open(f"{self._directory}/{OBJECTS}/{folder_of(name)}/{name}")

    async def delete(self, names: Sequence[str]) -> None:
        while True:
            if await in_pool(self._pool, self._delete, names):
                return
            await asyncio.sleep(BACKUP_LOOK_S)

    def _prepare(self) -> None:
        """Make the folders. Later their names need no sync: objects are renamed into what is there."""
        objects = self._directory / OBJECTS
        for directory in (self._directory / INCOMING, objects):
            self._disk.make_directory(directory)
        if len(self._disk.names(objects)) < 256:
            for number in range(256):
                self._disk.make_directory(objects / f"{number:02x}")
            self._disk.sync_names(objects)
        self._disk.sync_names(self._directory)

    def _put(self, name: str, source: Path) -> None:
        """Sync the bytes, give them their name, sync the name: in this order, or a power cut leaves half of them."""
        target = path_of(self._directory, name)
        descriptor = self._disk.open(source)
        try:
            self._disk.sync(descriptor)
        finally:
            self._disk.close(descriptor)
        try:
            self._disk.rename(source, target)
        except FileNotFoundError:
            # Somebody took its folder away, and no upload that begins anew would find another one.
            self._prepare()
            self._disk.rename(source, target)
        self._disk.sync_names(target.parent)

    def _delete(self, names: Sequence[str]) -> bool:
        with deleting(self._directory) as may_delete:
            if may_delete:
                paths = [path_of(self._directory, name) for name in names]
                for path in paths:
                    self._disk.delete(path)
                for folder in {path.parent for path in paths}:
                    with suppress(FileNotFoundError):
                        self._disk.sync_names(folder)
        return may_delete
