"""Downloads of a daemon in the loop of a test: what the process of media serves, with rows and bytes of the test."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from chatd.core.files import SUFFIXES
from chatd.media.access import Access
from chatd.media.downloads import Downloads
from chatd.media.http.listener import HttpListener
from chatd.media.interface import Failed
from chatd.media.layout import path_of
from chatd.media.routes import Routes
from chatd.media.service import MediaService
from chatd.protocol.errors import Refused
from chatd.protocol.media import Variant
from chatd.server.system_env import SystemEnv
from chatd.storage.sqlite.media_reads import SqliteMediaReads
from tests.kit import http
from tests.kit.adapters import no_troubles
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for
from tests.kit.media_rows import MediaRows

MEDIA = {"enabled": True, "address": "127.0.0.1:0"}


class LoopProcess:
    """The process of media without one: it serves downloads on the listener of the daemon.

    `questions`: how many tokens the daemon has verified.
    """

    def __init__(self) -> None:
        self.questions = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._over = asyncio.Event()
        self.serves = asyncio.Event()

    def __call__(self, service: MediaService, listener: int, context: Any) -> "LoopProcess":
        self._service = service
        self._serving = asyncio.ensure_future(self._serve(socket.socket(fileno=os.dup(listener))))
        return self

    async def _serve(self, bound: socket.socket) -> None:
        settings, env = self._service.settings, SystemEnv()
        reads = await SqliteMediaReads.open(Path(settings.database), no_troubles())
        access = Access(self, settings.link_key, env, settings.proxies)
        self.downloads = Downloads(access, reads, partial(opened, Path(settings.directory)), env)
        with ThreadPoolExecutor(2) as disk, bound:
            routes = Routes(settings.origins, {"/v1/media": self.downloads})
            listener = HttpListener(routes, env, disk, settings.media.connections)
            await listener.start(bound)
            self.serves.set()
            await self._over.wait()
            await listener.close(0)
            await reads.close()

    # asked by the daemon

    def write(self, content: Any) -> bool:
        self._answers.pop(content.id).set_result(content)
        return True

    async def close(self) -> None:
        self._over.set()
        await self._serving
        self._service.on_end()

    # asked by the handlers

    async def ask(self, request: Any) -> Any:
        self.questions += 1
        answer = self._answers[self.questions] = asyncio.get_running_loop().create_future()
        service, asked = self._service, replace(request, id=self.questions)
        service._keep(service._answer(asked, service._processes))
        found = await answer
        if isinstance(found, Failed):
            raise Refused(found.code, retry_after=found.retry_after or None)
        return found

    def tell(self, message: Any) -> None:
        raise AssertionError(message)


def opened(directory: Path, name: str) -> int:
    return os.open(path_of(directory, name), os.O_RDONLY | os.O_CLOEXEC)


class ServedFiles:
    """A daemon with files that the test makes."""

    def __init__(self, daemon: RunningDaemon, process: LoopProcess) -> None:
        self.daemon = daemon
        self.process = process
        self.rows = MediaRows(daemon.database)
        self.clients = Clients(daemon.url)
        assert daemon.app.media is not None
        self.url = f"http://{daemon.app.media.address}"
        self.directory = Path(daemon.app.media.service.settings.directory)

    def add(
        self, owner: str, word: str, data: bytes, variants: Sequence[Variant] = ("full",), **facts: Any
    ) -> str:
        """Add a ready file whose variants all have these bytes; return its id. `facts`: as of `MediaRows.file`."""
        digest = sha256(data).digest()
        file = self.rows.file(owner, word, variants, size=len(data), digest=digest, **facts)
        for variant in variants:
            path = path_of(self.directory, file + SUFFIXES[variant])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return file

    async def fetch(self, path: str, token: str = "", method: str = "GET", **headers: str) -> http.Answer:
        """Fetch a path, or an address of this listener. Names of headers have lines for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            named["Authorization"] = f"Bearer {token}"
        return await http.request(self.url + path.removeprefix(self.url), method, headers=named)


@asynccontextmanager
async def served_files(directory: Path, **sections: Any) -> AsyncIterator[ServedFiles]:
    """Run a daemon that serves files around the block."""
    daemon, process = RunningDaemon(config_for(directory, media=MEDIA, **sections)), LoopProcess()
    daemon._daemon.make_media = process
    await daemon.start()
    try:
        await process.serves.wait()
        served = ServedFiles(daemon, process)
        yield served
        await served.clients.leave()
    finally:
        await daemon.stop()
