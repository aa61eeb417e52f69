"""Downloads of files (protocol.md, "Fetching"), which go on at the byte where they broke, after a restart too.

What came lies beside the target under a name of its own, readable to its user alone, until the file is whole.
"""

import asyncio
import contextlib
import os
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from .core.errors import ChatError, ConnectionLost
from .core.http import span_of
from .file_requests import FileRequests, is_for_now
from .http import Answer

MODE = 0o600
"""Of a downloaded file: what somebody was sent is theirs alone."""

Progress = Callable[[int, int], None]


class Downloads:
    """The downloads of one client."""

    def __init__(self, requests: FileRequests) -> None:
        self._requests = requests
        self._running: set[Path] = set()

    async def download(self, place: str, target: Path, on_progress: Progress) -> Path:
        """Fetch the file at a place, and give it its name when it is whole; goes on through whatever is only for now.

        Raises FileExistsError, BlockingIOError when the same is under way, other OSErrors of the disk, `ChatError`,
        `Closed`.
        """
        _check_free(target)
        mark = zlib.crc32(f"{place} {target.name}".encode(errors="surrogateescape"))
        part = target.with_name(f".{place.split('/')[-1]}-{mark:08x}.part")
        if part in self._running:
            raise BlockingIOError(f"{target} is on its way already")
        self._running.add(part)
        try:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(part, flags, MODE)
            try:
                await self._through(place, descriptor, on_progress)
                await asyncio.to_thread(os.fsync, descriptor)
            finally:
                os.close(descriptor)
            _give_name(part, target)
        except ChatError:
            # It does not come any more: the start of something recalled is not kept.
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        finally:
            self._running.discard(part)
        return target

    async def _through(self, place: str, descriptor: int, on_progress: Progress) -> None:
        tries, best = 0, -1
        while True:
            try:
                await self._attempt(place, descriptor, on_progress)
                return
            except (ChatError, ConnectionLost) as error:
                if not is_for_now(error):
                    raise
                if (size := os.fstat(descriptor).st_size) > best:
                    # It went on since the last failure: the next one is the first again.
                    tries, best = 0, size
                tries += 1
                await self._requests.pause(self._requests.backoff_s(tries, error))

    async def _attempt(self, place: str, descriptor: int, on_progress: Progress) -> None:
        """Fetch what is missing; return when all of it is there."""
        offset = os.fstat(descriptor).st_size
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        async with self._requests.ask("GET", await self._requests.url() + place, headers) as answer:
            first, whole = span_of(answer.head.headers.get("content-range", ""))
            if answer.head.status == 416 and whole == offset:
                return
            if answer.head.status == 200:
                first, whole = 0, answer.head.number("content-length")
            if first != offset:
                # There is more here than there can be, or the server gives the whole.
                os.ftruncate(descriptor, 0)
            if first not in (0, offset) or whole is None:
                raise ConnectionLost("not the bytes that were asked for")
            await _write(answer, descriptor, first, whole, on_progress)
        if os.fstat(descriptor).st_size != whole:
            raise ConnectionLost("another length than was said")


async def _write(answer: Answer, descriptor: int, offset: int, whole: int, on_progress: Progress) -> None:
    on_progress(offset, whole)
    chunks: AsyncIterator[bytes] = answer.chunks()
    async for chunk in chunks:
        if offset + len(chunk) > whole:
            raise ConnectionLost("more bytes than were said")
        await asyncio.to_thread(_write_all, descriptor, chunk, offset)
        offset += len(chunk)
        on_progress(offset, whole)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _check_free(target: Path) -> None:
    if os.path.lexists(target):
        raise FileExistsError(f"{target} is there already")


def _give_name(part: Path, target: Path) -> None:
    """Rename a file, unless something has the name. Raises FileExistsError."""
    # A rename replaces what is there, and links are not everywhere: the name is taken first.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE))
    try:
        os.replace(part, target)
    except OSError:
        target.unlink(missing_ok=True)
        raise
