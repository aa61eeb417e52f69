"""The index as a process of its own: it talks to the daemon over one socket, and ends when that does.

One thread fills the index, the other answers; each has a connection to the file.
"""

import asyncio
import os
import shutil
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import cast
from urllib.parse import quote

import apsw

from chatd.env import Env
from chatd.protocol.process_frames import FrameReader, Kind, decode, frame
from chatd.search.handover import Answer, Ask, IndexSettings, Moved, Rebuild, ToIndex, Told
from chatd.search.interface import IndexStatus
from chatd.search.keeper import Keeper

# A file that was deleted is noticed after so long, and the daemon is told of the state.
IDLE_S = 1.0
# An index that has no space waits so long.
FULL_S = 10.0
# Filling gives way to answers, and to everything else on the machine: what is not in the index is read plainly.
SWITCH_S = 0.0005
NICE = 19
# Spans that are looked at before other questions have their turn.
SPANS_AT_ONCE = 10
# Of the connection to the database: it writes nothing, and never checkpoints.
SOURCE = ("PRAGMA query_only = 1", "PRAGMA busy_timeout = 5000", "PRAGMA wal_autocheckpoint = 0")


async def serve(pipe: socket.socket, settings: IndexSettings, env: Env) -> None:
    """Keep the index until the daemon ends the conversation."""
    sys.setswitchinterval(SWITCH_S)
    keeper = Keeper(Path(settings.file), settings.epoch, env.now_ms, singles=settings.singles)
    pipe.setblocking(False)
    daemon = _Daemon(keeper)
    await asyncio.get_running_loop().create_unix_connection(lambda: daemon, sock=pipe)
    filling = asyncio.create_task(_fill(keeper, daemon, settings, env))
    try:
        ended = asyncio.create_task(daemon.ended.wait())
        await asyncio.wait([filling, ended], return_when=asyncio.FIRST_COMPLETED)
        if not daemon.ended.is_set():
            # Raises what it died of.
            await filling
    finally:
        # A step that is under way ends with its thread, and changes nothing that is half done.
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


async def _fill(keeper: Keeper, daemon: "_Daemon", settings: IndexSettings, env: Env) -> None:
    """Keep the index up to date."""
    source = database(settings.database)
    loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1, "filling", give_way)
    has_more, told_at = True, 0.0
    while True:
        if keeper.mend():
            has_more = True
        if shutil.disk_usage(keeper.folder).free < 2 * settings.min_free_bytes:
            # What is left is for messages.
            keeper.problem, has_more = "there is too little space on the disk", False
        else:
            keeper.problem = ""
            daemon.moved.clear()
            has_more = await loop.run_in_executor(thread, keeper.step, source)
        if env.monotonic() - told_at >= IDLE_S or not has_more:
            daemon.tell(keeper.status)
            told_at = env.monotonic()
        if not has_more:
            with suppress(TimeoutError):
                async with asyncio.timeout(FULL_S if keeper.problem else IDLE_S):
                    await daemon.moved.wait()


def give_way() -> None:
    """Give this thread the lowest priority; on Linux it has one of its own."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def database(path: str) -> apsw.Connection:
    """Open the database to read from it."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"file:{quote(path)}?mode=ro", flags)
    for pragma in SOURCE:
        connection.execute(pragma).fetchall()
    return connection


class _Daemon(asyncio.Protocol):
    """The daemon at the other end of the socket."""

    def __init__(self, keeper: Keeper) -> None:
        self.ended, self.moved = asyncio.Event(), asyncio.Event()
        self._keeper = keeper
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._told: IndexStatus | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._write(frame(Kind.READY))

    def data_received(self, data: bytes) -> None:
        for kind, payload in self._reader.feed(data):
            if kind == Kind.PING:
                self._write(frame(Kind.PONG))
            elif kind == Kind.CONTENT:
                self._on_content(decode(payload, ToIndex))

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def _on_content(self, content: ToIndex) -> None:
        if isinstance(content, Ask):
            answer = asyncio.create_task(self._answer(content))
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)
            return
        if isinstance(content, Moved):
            self._keeper.note(content.rooms)
        elif isinstance(content, Rebuild):
            self._keeper.rebuild()
        self.moved.set()

    async def _answer(self, ask: Ask) -> None:
        found = []
        for number, span in enumerate(ask.spans, 1):
            found.append(self._keeper.find(ask.tokens, span, ask.limit))
            if number % SPANS_AT_ONCE == 0:
                await asyncio.sleep(0)
        self._write(frame(Kind.CONTENT, Answer(ask.number, found)))

    def tell(self, status: IndexStatus) -> None:
        """Tell the daemon of the state of the index, where that is news."""
        if status != self._told:
            self._told = status
            self._write(frame(Kind.CONTENT, Told(status)))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
