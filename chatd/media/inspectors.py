"""The processes that open what users upload: one file at a time each, started when there is work for them."""

import asyncio
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import cast

from msgspec.structs import replace

from chatd.config.media import MIB, Media
from chatd.config.memory import inspectors_of
from chatd.media.inspection import (
    Bounds,
    Descriptors,
    Fence,
    Fenced,
    Found,
    FromInspector,
    Job,
    Library,
    Refusal,
    is_sound,
)
from chatd.protocol.errors import Unavailable
from chatd.protocol.media import FileKind, Purpose
from chatd.protocol.process_frames import FrameReader, Kind, decode, frame

WAITING_MAX = 200  # files; beyond, a client is told at once that its file waits
INSPECT_S, PROCESSOR_S = 15, 10  # of a file; beyond, no honest one takes it
BYTES_PER_S = 32 * MIB  # copied: more time for a video of gigabytes
RECEIVED_MAX = 1 << 16  # bytes at once: an answer has some hundred
START_S = 30.0  # until a process works: 0.5 s on a machine that does nothing else
JOBS_MAX = 200  # of one process: whatever one file did to it ends some time
DEATHS_MAX = 2  # of processes by one file: the first may have had another cause
# Of one process: itself and its libraries, and a picture as it is decoded, as it is turned, and as it is written.
MEMORY_BASE, MEMORY_PER_PIXEL = 512 * MIB, 10
# The environment may hold secrets, which hostile bytes could be after.
INHERITED = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH")
# Each works in one thread: a core less than there are is for them all. Arenas count as memory, used or not.
ENVIRONMENT = {"VIPS_CONCURRENCY": "1", "MALLOC_ARENA_MAX": "2"}

COMMAND = (sys.executable, "-P", "-m", "chatd.media.inspect")
log = logging.getLogger(__name__)


class Inspectors:
    """Inspects files: `start`, `inspect`, `close`.

    `missing`: fences that this system does not have. `libraries`: what can be opened here.
    """

    def __init__(self, media: Media, command: Sequence[str] = COMMAND) -> None:
        self.missing: tuple[Fence, ...] = ()
        self.libraries: tuple[Library, ...] = ()
        self.waiting = 0
        self._media = media
        self._command = command
        self._turns = asyncio.Semaphore(inspectors_of(media))
        self._is_closed = False
        self._idle: list[_Inspector] = []
        self._all: set[_Inspector] = set()

    @property
    def running(self) -> int:
        return len(self._all)

    @property
    def is_full(self) -> bool:
        return self.waiting >= WAITING_MAX

    async def start(self) -> None:
        """Start one, to learn what this system has. Raises Unavailable."""
        async with self._turns:
            self._idle.append(await self._inspector())

    async def close(self) -> None:
        """End them, and with them what they are at."""
        self._is_closed = True
        await asyncio.gather(*(inspector.end() for inspector in self._all))
        self._all.clear()
        self._idle.clear()

    async def inspect(
        self, kind: FileKind, purpose: Purpose, opened: Callable[[], AbstractContextManager[Descriptors]]
    ) -> Found | Refusal:
        """Return what a file is, when all its renditions are written; they are not synced.

        `opened`: opens the upload and three empty files when its turn has come, and again when it is tried again; they
        are read, too. Never for the kind `file`, which is kept as it is. Raises Unavailable when no process works.
        """
        self.waiting += 1
        try:
            async with self._turns:
                for _ in range(DEATHS_MAX):
                    with opened() as descriptors:
                        answer = await self._inspected(kind, purpose, descriptors)
                    if answer is not None:
                        return answer
                return Refusal("unreadable", "no process survives it")
        finally:
            self.waiting -= 1

    async def _inspected(
        self, kind: FileKind, purpose: Purpose, descriptors: Descriptors
    ) -> Found | Refusal | None:
        """Return what one process says, None when it ended."""
        longer_s = os.fstat(descriptors.source).st_size // BYTES_PER_S
        media = self._media
        pixels = media.picture_mpx * 1_000_000
        job = Job(kind, purpose, pixels, media.voice_ms, PROCESSOR_S + longer_s)
        inspector = self._idle.pop() if self._idle else await self._inspector()
        patience_s, is_kept = INSPECT_S + longer_s, False
        try:
            answer = await inspector.ask(job, descriptors, patience_s)
            is_kept = isinstance(answer, Found | Refusal) and inspector.jobs < JOBS_MAX
        except TimeoutError:
            answer = Refusal("unreadable", f"it takes longer than {patience_s} s")
        finally:
            if is_kept:
                self._idle.append(inspector)
            else:
                self._all.discard(inspector)
                code = await asyncio.shield(inspector.end())
        if answer is None:
            log.warning("a process that opens uploads ended at a %s: %s", kind, named(code))
        if isinstance(answer, Found):
            return checked(job, answer, descriptors)
        return answer if isinstance(answer, Refusal) else None

    async def _inspector(self) -> "_Inspector":
        """Return a process that was started and is fenced in. Raises Unavailable."""
        if self._is_closed:
            raise Unavailable("overloaded", "what opens uploads is ending")
        inspector = _Inspector()
        self._all.add(inspector)
        try:
            fenced = await inspector.start(self._command, self._bounds())
            self._check(fenced)
        except BaseException:
            self._all.discard(inspector)
            await asyncio.shield(inspector.end())
            raise
        return inspector

    def _bounds(self) -> Bounds:
        media = self._media
        memory_bytes = MEMORY_BASE + media.picture_mpx * 1_000_000 * MEMORY_PER_PIXEL
        return Bounds(memory_bytes, media.file_bytes + MIB)

    def _check(self, fenced: Fenced) -> None:
        self.missing, self.libraries = fenced.missing, fenced.libraries
        if fenced.missing and self._media.fences == "required":
            log.error("no file is opened: this system does not have %s", " and ".join(fenced.missing))
            raise Unavailable("overloaded", "the processes that open uploads are not fenced in")


def checked(job: Job, found: Found, descriptors: Descriptors) -> Found | Refusal:
    """Return what was found with the size that is on the disk, if it may be so."""
    if not is_sound(job, found):
        log.error("an inspector says what cannot be: %r", found)
        return Refusal("unreadable", "its inspector says what cannot be")
    size = os.fstat(descriptors.full).st_size
    return Found(replace(found.facts, size=size), found.written)


def named(code: int) -> str:
    """Return how a process ended: a signal by its name, else its code."""
    try:
        return signal.Signals(-code).name if code < 0 else f"code {code}"
    except ValueError:
        return f"signal {-code}"


class _Inspector:
    """One process, and the socket to it."""

    def __init__(self) -> None:
        self.jobs = 0
        self._process: Process | None = None
        self._pipe: socket.socket | None = None
        self._reader = FrameReader()

    async def start(self, command: Sequence[str], bounds: Bounds) -> Fenced:
        """Return what it says first. Raises Unavailable."""
        self._pipe, theirs = socket.socketpair()
        self._pipe.setblocking(False)
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *command, stdin=theirs.fileno(), stdout=DEVNULL, env={**environment, **ENVIRONMENT}
                )
            except OSError as error:
                log.error("a process that opens uploads cannot be started: %s", error)
                raise Unavailable("overloaded") from error
        fenced = None
        with suppress(TimeoutError):
            fenced = await self._answer(frame(Kind.SETTINGS, bounds), (), START_S)
        if not isinstance(fenced, Fenced):
            log.error("a process that opens uploads does not start")
            raise Unavailable("overloaded")
        return fenced

    async def ask(self, job: Job, descriptors: Descriptors, patience_s: float) -> FromInspector | None:
        """Return its answer, None when it ended. Raises TimeoutError."""
        self.jobs += 1
        handed = (descriptors.source, descriptors.full, descriptors.m, descriptors.s)
        return await self._answer(frame(Kind.CONTENT, job), handed, patience_s)

    async def end(self) -> int:
        """End it by force, for it holds nothing that would have to be kept; return how it ended."""
        code = 0
        if self._pipe is not None:
            # Whoever waits for an answer notices this; a socket that is closed under them they would not.
            with suppress(OSError):
                self._pipe.shutdown(socket.SHUT_RDWR)
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            code = await self._process.wait()
        if self._pipe is not None:
            self._pipe.close()
        return code

    async def _answer(
        self, data: bytes, descriptors: Sequence[int], patience_s: float
    ) -> FromInspector | None:
        assert self._pipe is not None
        loop = asyncio.get_running_loop()
        try:
            socket.send_fds(self._pipe, [data], descriptors)
            async with asyncio.timeout(patience_s):
                while received := await loop.sock_recv(self._pipe, RECEIVED_MAX):
                    for _, payload in self._reader.feed(received):
                        return cast(FromInspector, decode(payload, FromInspector))
        except (ConnectionError, ValueError) as error:
            log.warning("a process that opens uploads failed: %s", error)
        return None
