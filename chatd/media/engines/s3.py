"""The engine `s3`: objects in a bucket, from which clients fetch them by addresses that are signed for minutes.

Uploads lie on the disk until they are whole. In the bucket everything says that it is a download of no known type;
the address of a fetch, which is made when the asker may have the file, says how it is to be shown.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from chatd.config.media import S3
from chatd.env import Env
from chatd.media.disk import Disk
from chatd.media.engines.bucket import PROBE, Bucket, BucketError
from chatd.media.engines.local import in_pool
from chatd.media.engines.objects import Objects
from chatd.media.layout import key_of
from chatd.protocol.errors import Unavailable

# What whoever fetches an object otherwise is told: nothing that was sent is a page.
ATTRIBUTES = {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": "attachment",
    "Cache-Control": "private",
}
# 16 GiB are 2,048 of the 10,000 parts that a store takes.
PART_BYTES, PARTS, PUTS = 8 << 20, 2, 4
# Between two looks at the bucket.
LOOK_S = 5.0
RETRY_MIN_S, RETRY_MAX_S = 0.5, 30.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class S3Objects(Objects):
    """Objects in a bucket. Methods raise Unavailable while it cannot be used; `problem` says why, "" for none."""

    def __init__(self, settings: S3, local: Objects, disk: Disk, pool: Executor, env: Env) -> None:
        self.problem = ""
        self._settings = settings
        self._local = local
        self._disk = disk
        self._pool = pool
        self._env = env
        self._bucket: Bucket | None = None
        self._works = False
        self._puts = asyncio.Semaphore(PUTS)
        self._digests: dict[str, bytes] = {}

    async def prepare(self) -> None:
        """Make the directory of uploads; `watch` looks at the bucket, whose state nobody has to wait for."""
        await self._local.prepare()

    async def watch(self) -> None:
        """Look at the bucket again and again until cancelled."""
        while True:
            if not self._works:
                # Somebody may have written another key into the file.
                self._bucket = None
            try:
                await self._said(self._probe)
            except Unavailable:
                self._works = False
            else:
                if self.problem:
                    log.warning("the bucket %s works again", self._settings.bucket)
                self._works, self.problem = True, ""
            await asyncio.sleep(LOOK_S)

    async def put(self, name: str, source: Path, digest: bytes = b"") -> None:
        """Bring a file to the bucket, which is asked until it takes it."""
        found = b"" if digest else await in_pool(self._pool, self._disk.digest, source)
        size = await in_pool(self._pool, self._disk.size, source)
        pause_s = RETRY_MIN_S
        async with self._puts:
            while True:
                try:
                    await self._asked(lambda bucket: self._put(bucket, name, source))
                    if await self.size(name) == size:
                        break
                    log.error("the bucket has not all of %s: it is brought again", name)
                except Unavailable:
                    log.info("%s waits for the bucket", name)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
        if found:
            self._digests[name] = found
        await in_pool(self._pool, self._disk.delete, source)

    async def size(self, name: str) -> int | None:
        return await self._asked(lambda bucket: self._size(bucket, key_of(name)))

    async def digest(self, name: str) -> bytes:
        """Return its SHA-256: of one that was put just now as it was, else all of it is read."""
        if known := self._digests.pop(name, None):
            return known
        return await self._asked(lambda bucket: in_pool(self._pool, bucket.digest, name))

    async def delete(self, names: Sequence[str]) -> None:
        if names:
            await self._asked(lambda bucket: self._delete(bucket, [key_of(name) for name in names]))

    def address(self, name: str, seconds: int, headers: Mapping[str, str]) -> str:
        """Return an address that opens an object for so long. `headers`: of the answer. Raises Unavailable."""
        if self._bucket is None or not self._works:
            raise self._unavailable()
        return self._bucket.signer.address(key_of(name), self._env.now_ms(), seconds, headers)

    async def _asked(self, ask: Callable[[Bucket], Awaitable[T]]) -> T:
        """Return what the bucket answers; it is not asked while it is known not to. Raises Unavailable."""
        if not self._works:
            raise self._unavailable()
        return await self._said(ask)

    async def _said(self, ask: Callable[[Bucket], Awaitable[T]]) -> T:
        from obstore.exceptions import BaseError

        try:
            if self._bucket is None:
                self._bucket = await in_pool(self._pool, Bucket, self._settings)
            bucket = self._bucket
            try:
                return await ask(bucket)
            except (BaseError, OSError) as error:
                raise bucket.problem(error) from None
        except BucketError as problem:
            if str(problem) != self.problem:
                log.error("%s", problem)
            self.problem = str(problem)
            raise self._unavailable() from None

    def _unavailable(self) -> Unavailable:
        why = self.problem or "the bucket is not open yet"
        return Unavailable("overloaded", why, retry_after=int(LOOK_S * 1000))

    async def _probe(self, bucket: Bucket) -> None:
        """Ask whether the bucket is there; where something went wrong, whether it can be written."""
        from obstore import put_async

        if self.problem or not self._works or await self._size(bucket, PROBE) is None:
            await put_async(bucket.store, PROBE, b"chatd", attributes=ATTRIBUTES)

    async def _put(self, bucket: Bucket, name: str, source: Path) -> None:
        from obstore import put_async

        await put_async(
            bucket.store,
            key_of(name),
            source,
            attributes=ATTRIBUTES,
            chunk_size=PART_BYTES,
            max_concurrency=PARTS,
        )

    async def _size(self, bucket: Bucket, key: str) -> int | None:
        from obstore import head_async

        try:
            return (await head_async(bucket.store, key))["size"]
        except FileNotFoundError:
            return None

    async def _delete(self, bucket: Bucket, keys: list[str]) -> None:
        """Delete, and return when the store has said of each that it is gone."""
        from obstore import delete_async

        await delete_async(bucket.store, keys)
