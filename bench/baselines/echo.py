"""Floors (c) and (d): an echo on the daemon's own WebSocket edge, without a chat and without storage behind it.

As `flush` it answers when what a lone commit takes is written and flushed to the disk: what no server can leave out
that answers for a message is the way here and back, a change of thread each way, the disk. It imports chatd.websocket:
a copy of the edge would be another stack, and the question is what chat and storage cost on this very one.
"""

import asyncio
import gc
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from bench import machine
from bench.wire import server_frame
from chatd.config.model import Config, Limits
from chatd.http.listeners import Listener, ListenerOptions
from chatd.server.system_env import SystemEnv
from chatd.telemetry.counters import Counters
from chatd.websocket.acceptor_config import acceptor_config
from chatd.websocket.admission import Admission
from chatd.websocket.connection import connection_class
from chatd.websocket.wire import Wire

_CLIENTS_MAX = 10_000
_FRAME_BYTES_MAX = 65_536


class Echo:
    @property
    def frame_bytes_max(self) -> int:
        return _FRAME_BYTES_MAX

    def opened(self, wire: Wire) -> None:
        self._wire = wire

    def received(self, payload: bytes) -> None:
        self._wire.write(server_frame(payload))

    def writing_blocked(self) -> None: ...

    writing_resumed = writing_blocked

    def close(self, code: int) -> None:
        self._wire.close(code, "")

    def closed(self, code: int) -> None: ...


COMMIT_PAGES = 6  # of a message alone: the event, its key, its room, and what every commit writes
PAGE_BYTES = 4_096 + 24  # with its head, as they stand in a write-ahead log
LOG_PAGES = 4_096  # then it is written again from the beginning, as the log is


class Disk:
    """A file beside nobody's data, written by one thread. It disappears with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - as long as the process
        self._thread = ThreadPoolExecutor(1)
        self._page = 0

    async def commit(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write)

    def _write(self) -> None:
        for _ in range(COMMIT_PAGES):
            os.pwrite(self._file.fileno(), bytes(PAGE_BYTES), self._page * PAGE_BYTES)
            self._page = (self._page + 1) % LOG_PAGES
        os.fdatasync(self._file.fileno())


class Durable(Echo):
    """A session that sends a message back when it is on the disk, one commit each."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._under_way: set[asyncio.Task[None]] = set()

    def received(self, payload: bytes) -> None:
        answering = asyncio.ensure_future(self._answer(payload))
        self._under_way.add(answering)
        answering.add_done_callback(self._under_way.discard)

    async def _answer(self, payload: bytes) -> None:
        await self._disk.commit()
        self._wire.write(server_frame(payload))


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def main(port: int, session: Callable[[], Echo]) -> None:
    everybody = _CLIENTS_MAX  # nobody says hello here, so that all count as strangers from one address
    limits = Limits(
        connections_per_address=everybody, unauthenticated=everybody, unauthenticated_per_address=everybody
    )
    config = Config(limits=limits)
    counters = Counters()
    acceptor = acceptor_config(
        config, session, env=SystemEnv(), admission=Admission(config.limits), counters=counters
    )
    options = ListenerOptions(config.listen.request_deadline_s, config.listen.backlog)
    await Listener(f"127.0.0.1:{port}", nothing, options, connection_class(acceptor)).start()
    gc.freeze()
    await asyncio.Event().wait()


if __name__ == "__main__":
    machine.run(main(int(sys.argv[1]), partial(Durable, Disk()) if "flush" in sys.argv else Echo))
