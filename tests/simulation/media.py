"""The process of media in a run: its parts are those of the product, without HTTP, on a disk that loses power too.

It is killed alone, or with its daemon. The times after which files go are seconds here.
"""

import asyncio
import contextvars
import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from chatd.config.media import Media
from chatd.core import files
from chatd.jobs.media import Collector
from chatd.media.service import MediaService
from tests.kit.media_disk import MemoryDisk
from tests.kit.media_in_loop import Answered, MediaInLoop
from tests.kit.simulated_disk import Kind, Operation
from tests.simulation.choices import Lane
from tests.simulation.inline_threads import Threads
from tests.simulation.loop import PROCESS
from tests.simulation.media_record import kept_in
from tests.simulation.network import SimSocket

if TYPE_CHECKING:
    from tests.simulation.machine import Run
    from tests.simulation.world import World

ADDRESS = "127.0.0.1:8472"
# Of a user: some dozen files of a run.
USER_BYTES = 30_000
GRACE_MS, UNATTACHED_MS = 1_000, 4_000
RESTART_S = 0.5
SYNC_BYTES = 1_000


class Unreached(Exception):
    """There was no answer: the process is gone, or ended meanwhile."""


def settings(place: Path) -> Media:
    return Media(enabled=True, address=ADDRESS, directory=str(place), user_bytes=USER_BYTES)


@contextmanager
def media_shortened() -> Iterator[None]:
    """Let files go after seconds, and uploads be synced often."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(files.drop, "__defaults__", (GRACE_MS,)))
        for name, value in (
            ("chatd.core.uploads.UNATTACHED_KEPT_MS", UNATTACHED_MS),
            ("chatd.media.writing.SYNC_BYTES", SYNC_BYTES),
            # The runs collect when they want to.
            ("chatd.jobs.media.ROUND_S", 1e6),
            ("chatd.media.main.CONDITION_S", 1e6),
            # A lock that a dead process of a run would keep.
            ("chatd.media.main.alone", lambda directory: None),
            ("chatd.server.media.bound_sockets", lambda address: [SimSocket(address)]),
        ):
            stack.enter_context(patch(name, value))
        yield


class Child:
    """The process; the value of PROCESS in everything it schedules."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.threads = Threads(lambda: None, lambda connection: None)
        self.context = contextvars.copy_context()
        self.context.run(PROCESS.set, self)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Between:
    """What both ends say to each other comes a moment later, in the process that it is said to."""

    def __init__(self, service: MediaService, run: "Run") -> None:
        self._service, self._run = service, run

    @property
    def condition(self) -> Any:
        return self._service.condition

    @property
    def settings(self) -> Any:
        return self._service.settings

    def on_content(self, payload: bytes) -> None:
        asyncio.get_running_loop().call_soon(self._service.on_content, payload, context=self._run.context)

    def on_end(self) -> None:
        """The daemon says so itself."""


class SimMedia:
    """The media of all runs of a daemon: `disk` outlives them. It is the MakeProcess of the daemon that runs."""

    def __init__(self, world: "World", place: Path) -> None:
        self._world = world
        self.place = place
        place.mkdir()
        self.lane = world.choices.lane("media")
        self.disk = MemoryDisk(place)
        self.full = 0
        self._service: MediaService | None = None
        self._media: MediaInLoop | None = None
        self._child: Child | None = None
        self._pool = object()
        # Processes that were killed, and what they were asked: nobody may take their tasks apart.
        self._dead: list[object] = []
        self._watch()

    def _watch(self) -> None:
        self.disk.fault = self._fault

    def _fault(self, operation: Operation) -> int:
        if self.full and operation.kind == Kind.WRITE:
            self.full -= 1
            return errno.ENOSPC
        return 0

    # asked by the daemon

    def __call__(self, service: MediaService, listener: int, context: Any) -> "SimMedia":
        self._service = service
        self._starting = asyncio.ensure_future(self._start())
        return self

    async def _start(self) -> None:
        run = PROCESS.get()
        child = self._child = Child(run)  # type: ignore[arg-type]
        between: Any = Between(self._service, run)  # type: ignore[arg-type]
        media = MediaInLoop(between, self.disk, self._world.machine._env, self._pool)  # type: ignore[arg-type]
        loop = asyncio.get_running_loop()
        task = loop.create_task(media.start(), context=child.context)
        await asyncio.wait({task, child.ended}, return_when=asyncio.FIRST_COMPLETED)
        if task.done() and self._child is child:
            task.result()
            self._media = media

    def write(self, content: object) -> bool:
        media, child = self._media, self._child
        if media is None or child is None:
            return False
        asyncio.get_running_loop().call_soon(media.write, content, context=child.context)
        return True

    async def close(self) -> None:
        """End it in peace, with its daemon."""
        self._starting.cancel()
        media, child, self._media = self._media, self._child, None
        if media is not None and child is not None:
            loop = asyncio.get_running_loop()
            await loop.create_task(media.close(), context=child.context)
        self.kill()
        if self._service is not None:
            self._service.on_end()

    # the faults

    def kill(self) -> None:
        """End it as it stands; what it has not synced is still not synced."""
        child, media, self._child, self._media = self._child, self._media, None, None
        if child is None:
            return
        self._dead.append(media)
        # Whatever its parts do when they are taken apart, it is not done here.
        self.disk = self.disk.go_on()
        self._watch()
        if not child.ended.done():
            child.ended.set_result(None)
        self._world.loop.kill(child)
        child.threads.close_all()

    def dies(self) -> None:
        """Let it end alone: its daemon starts another one."""
        if self._media is None or self._child is None or self._service is None:
            return
        run = self._child.run
        self.kill()
        self._world.count("the process of media died")
        run.context.run(self._service.on_end)
        self._world.loop.call_later(RESTART_S, self._again, context=run.context)

    def _again(self) -> None:
        self._starting = asyncio.ensure_future(self._start())

    def crash(self, survival: Lane) -> None:
        """Cut the power."""
        self.kill()
        self.disk = MemoryDisk(self.place, self.disk.survivors(len(self.disk.journal), survival.pick))
        self._watch()

    def objects(self, copy: Path) -> dict[str, bytes]:
        """Return what a backup with files has beside this copy of the database."""
        kept = kept_in(copy)
        held = self.disk.files.items()
        return {name: bytes(content) for name, content in held if name.rpartition("/")[2] in kept}

    def put_back(self, objects: dict[str, bytes]) -> None:
        self.disk = MemoryDisk(self.place, objects)
        self._watch()

    # asked by users

    async def ask(self, method: str, *args: Any, **words: str) -> Answered:
        """Return an answer. Raises Unreached without one."""
        media, child = self._media, self._child
        if media is None or child is None:
            raise Unreached
        work = getattr(media, method)(*args, **words)
        task = asyncio.get_running_loop().create_task(work, context=child.context)
        await asyncio.wait({task, child.ended}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() or task.cancelled():
            self._dead.append(task)
            raise Unreached
        try:
            answer: Answered = task.result()
        except ConnectionError as error:
            raise Unreached from error
        return answer

    async def collect(self) -> None:
        """Do a round of the collector."""
        machine = self._world.machine
        process = machine.process
        if process is None or not process.epoch:
            return
        app = process.daemon.app
        assert app.media is not None
        collector = Collector(app.store, machine._env, app.writer, app.media.service.delete)
        with suppress(Exception):
            await process.carry_out(collector.collect())
