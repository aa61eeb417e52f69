"""The process of media: what it is made of, and its life from the first word of the daemon to the last."""

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from chatd.core import file_links
from chatd.core.client_address import networks
from chatd.env import Env
from chatd.media import tus
from chatd.media.access import Access
from chatd.media.daemon_link import DaemonLink
from chatd.media.disk import SystemDisk
from chatd.media.downloads import Downloads, Elsewhere
from chatd.media.engines.local import LocalObjects, in_pool
from chatd.media.engines.objects import Objects
from chatd.media.engines.s3 import S3Objects
from chatd.media.finishing import Finishing
from chatd.media.http.connection import Handler
from chatd.media.http.listener import HttpListener
from chatd.media.incoming import Incoming
from chatd.media.inspection import Library
from chatd.media.inspectors import Inspectors
from chatd.media.interface import Condition, Delete, Deleted
from chatd.media.layout import alone
from chatd.media.live import LiveNotes
from chatd.media.live_requests import LiveRequests
from chatd.media.routes import Routes
from chatd.media.settings import MediaSettings
from chatd.media.upload_requests import UploadRequests
from chatd.media.uploads import Parts, Uploads
from chatd.protocol.errors import ChatError, Refused, Unavailable
from chatd.storage.media import MediaReads
from chatd.telemetry.troubles import Troubles

# A sync takes as long as the disk does, and several run side by side.
THREADS = 4
# For what is under way when it ends; the daemon waits somewhat longer.
DRAIN_S = 3.0
CONDITION_S = 5.0
# What did not start may have lacked memory.
START_AGAIN_S = 30.0

OpenReads = Callable[[Path, Troubles], Awaitable[MediaReads]]
log = logging.getLogger(__name__)


async def serve(pipe: socket.socket, settings: MediaSettings, env: Env, open_reads: OpenReads) -> None:
    """Take and serve files until the daemon ends the conversation, or a signal does."""
    loop = asyncio.get_running_loop()
    troubles = Troubles(env.monotonic, log.warning)
    reads = await open_reads(Path(settings.database), troubles)
    with ThreadPoolExecutor(THREADS, "media disk") as pool:
        process = MediaProcess(settings, env, reads, troubles, pool)
        pipe.setblocking(False)
        await loop.create_unix_connection(lambda: process.daemon, sock=pipe)
        loop.add_signal_handler(signal.SIGTERM, process.daemon.ended.set)
        try:
            await process.start()
            await process.daemon.ended.wait()
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            await process.close()
            await reads.close()


class MediaProcess:
    """The parts of the process, put together: `start`, `close`."""

    def __init__(
        self,
        settings: MediaSettings,
        env: Env,
        reads: MediaReads,
        troubles: Troubles,
        pool: ThreadPoolExecutor,
    ) -> None:
        media, directory, disk = settings.media, Path(settings.directory), SystemDisk()
        self.daemon = DaemonLink(self._on_delete)
        self._settings = settings
        self._troubles = troubles
        self._pool = pool
        self._directory, self._disk = directory, disk
        self._tasks: set[asyncio.Task[None]] = set()
        local = LocalObjects(directory, disk, pool)
        self._bucket = S3Objects(media.s3, local, disk, pool, env) if media.engine == "s3" else None
        self._objects: Objects = self._bucket or local
        self._inspectors = Inspectors(media)
        self._was_started = asyncio.Event()
        self._problem = ""
        self._deleting = asyncio.Lock()
        self._lock: IO[str] | None = None
        incoming = Incoming(directory, disk)
        self._finishing = Finishing(incoming, self._objects, pool, self.daemon, reads, self._inspectors)
        self._live = LiveNotes(incoming, disk, pool, self.daemon, env, media.voice_ms)
        parts = Parts(directory, disk, pool, self._objects, self.daemon, reads, env, media.min_free_bytes)
        self._uploads = Uploads(parts, self._finishing, self._live)
        access = Access(self.daemon, settings.link_key, env, settings.proxies)
        uploads = UploadRequests(media, access, self.daemon, reads, self._uploads, self._libraries)
        elsewhere = Elsewhere(self._bucket.address, media.s3.redirect_s) if self._bucket else None
        self._downloads = Downloads(access, reads, elsewhere or local.open, env)
        live = LiveRequests(access, reads, self._live, media.connections // 2)
        handlers: dict[str, Handler] = {
            tus.PREFIX: uploads,
            file_links.PREFIX: self._downloads,
            file_links.LIVE_PREFIX: live,
        }
        routes = Routes(settings.origins, handlers)
        proxies = networks(settings.proxies)
        self._listener = HttpListener(routes, env, pool, media.connections, proxies)

    async def start(self) -> None:
        """Go on where the process before this one stopped. Raises OSError, ssl.SSLError."""
        tls = tls_of(self._settings)
        # One whose daemon was killed still keeps what came of its uploads.
        self._lock = await in_pool(self._pool, alone, self._directory)
        await self._objects.prepare()
        self.daemon.ready()
        # The daemon owns the socket: connections that come before the next process wait in it.
        await self._listener.start(socket.socket(fileno=self._settings.listener), tls)
        self._keep(self._start_inspectors())
        self._keep(self._uploads.resume())
        self._keep(self._tell_condition())
        self._keep(self._live.run())
        if self._bucket is not None:
            self._keep(self._bucket.watch())

    async def close(self) -> None:
        """Take no more, keep what came, and end."""
        self._live.close()
        await self._listener.close(DRAIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._uploads.close()
        await self._inspectors.close()
        if self._lock is not None:
            self._lock.close()

    async def _start_inspectors(self) -> None:
        """Start what opens uploads, again as long as it does not; files are taken meanwhile."""
        while True:
            try:
                await self._inspectors.start()
            except ChatError as problem:
                self._problem = f"pictures, video and voice notes are not taken: {problem.message}"
                log.error(self._problem)
            else:
                self._problem = ""
                return
            finally:
                self._was_started.set()
            await asyncio.sleep(START_AGAIN_S)

    async def _libraries(self) -> Sequence[Library]:
        """Return what can be opened here, when that is known. Raises Unavailable, Refused where it never will be."""
        await self._was_started.wait()
        if self._inspectors.missing and self._settings.media.fences == "required":
            raise Refused("not_supported", self._problem, field="kind")
        if self._problem:
            raise Unavailable("overloaded", self._problem, retry_after=int(START_AGAIN_S * 1000))
        return self._inspectors.libraries

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a part of the process of media failed", exc_info=error)

    def _on_delete(self, wanted: Delete) -> None:
        self._keep(self._delete(wanted))

    async def _delete(self, wanted: Delete) -> None:
        """Delete, then say what is gone; the rest is asked for again. One after the other, in the order of asking."""
        objects, files = wanted.objects, list[str]()
        async with self._deleting:
            try:
                for file in wanted.files:
                    await self._uploads.end(file)
                    files.append(file)
                await self._objects.delete(objects)
            except (OSError, Unavailable) as error:
                log.error("files cannot be deleted: %s", error)
                objects = ()
            self.daemon.tell(Deleted(objects, tuple(files)))

    async def _tell_condition(self) -> None:
        while True:
            self.daemon.tell(await self._condition())
            await asyncio.sleep(CONDITION_S)

    async def _condition(self) -> Condition:
        free, problem = 0, self._problem
        with suppress(OSError):
            free = await in_pool(self._pool, self._disk.free_bytes, self._directory)
        if free < self._settings.media.min_free_bytes:
            problem = f"{free >> 20} MiB of the disk are free, so no files are taken (media.min_free_bytes)"
        if self._bucket is not None and self._bucket.problem:
            problem = self._bucket.problem
        for name, trouble in self._troubles.now.items():
            problem = problem or f"{name}: {trouble.why}"
        return Condition(
            fences=tuple(self._inspectors.missing),
            problem=problem,
            free_bytes=free,
            inspectors=self._inspectors.running,
            waiting=self._inspectors.waiting,
            connections=len(self._listener),
            counters=self._finishing.counters | self._downloads.counters,
        )


def tls_of(settings: MediaSettings) -> ssl.SSLContext | None:
    """Return the certificate that the listener shows, None without one. Raises OSError, which ssl.SSLError is."""
    if not settings.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.tls_cert, settings.tls_key, password=lambda: "")
    return context
