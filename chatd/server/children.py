"""Processes beside the daemon: started, watched, started again when they end, and ended before the store closes.

A child holds nothing that is true nowhere else, so it may be killed at any time. It speaks frames over one socket; what
it says is decoded like what a client says, and a child that says something else, or nothing, is killed.
"""

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from chatd.commands.context import Context
from chatd.config.model import Config
from chatd.egress.threads import in_thread
from chatd.env import Env
from chatd.media.interface import Drain
from chatd.protocol.process_frames import FrameReader, Kind, frame
from chatd.push.handover import RemoteSender, sender_settings
from chatd.push.interface import OnAnswers, Sender
from chatd.search.handover import IndexSettings, RemoteIndex
from chatd.telemetry.counters import Counters
from chatd.telemetry.supervision import supervised

READY_S = 30.0  # from the start of a process until it works: 0.4 s on a machine that does nothing else
PING_S = 5.0
PINGS_MAX = 3  # without a word in between, after which a child hangs
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.5, 30.0
STEADY_S = 60.0  # a child that ran so long starts again at once
CLOSE_S = 2.0  # to end its connections
UNSENT_MAX = 16 << 20  # bytes that wait for a child to read them

# To store what came of uploads under way.
DRAIN_S = 5.0
PUSH, MEDIA = "chatd.server.push_process", "chatd.server.media_process"
SEARCH = "chatd.server.search_process"

State = Literal["starting", "ok", "restarting", "stopped"]
log = logging.getLogger(__name__)


class Role(Protocol):
    """The part of the daemon that a child works for."""

    @property
    def settings(self) -> object:
        """The first thing that a child is told."""

    def on_content(self, payload: bytes) -> None:
        """Take a frame of the child. Raises ValueError for one that it should not have sent."""

    def on_end(self) -> None:
        """Note that the child ended; another one knows nothing of what this one was told."""


@dataclass(slots=True, frozen=True)
class Program:
    """A module of this package that runs as a process called `name`.

    `descriptors`: those that it inherits, by the same numbers. `farewell`: what it is told at its end, for which it has
    `patience_s` seconds; None where it is enough that its socket is closed.
    """

    name: str
    module: str
    descriptors: tuple[int, ...] = ()
    farewell: object = None
    patience_s: float = 0.0


class Child:
    """One process beside the daemon: `start`, `write`, `close`. It is a `Link`."""

    def __init__(self, program: Program, role: Role, env: Env, counters: Counters) -> None:
        self.name = program.name
        self.state: State = "starting"
        self._program = program
        self._role = role
        self._env = env
        self._counters = counters
        self._conversation: _Conversation | None = None
        self._early: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_awaited(self) -> bool:
        return self.state in ("starting", "ok")

    @property
    def is_stopped(self) -> bool:
        return self.state == "stopped"

    @property
    def pid(self) -> int:
        """The id of its process, 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        self._task = asyncio.create_task(supervised(self.name, self._run), name=self.name)

    def write(self, content: object) -> bool:
        """Write to the child, or keep it until it works; False when too much waits already."""
        data = frame(Kind.CONTENT, content)
        if self.is_stopped or (self.state == "ok" and self._conversation is not None):
            # One that is told to end is still answered.
            return self._conversation is not None and self._conversation.write(data)
        if sum(map(len, self._early)) > UNSENT_MAX:
            return False
        self._early.append(data)
        return True

    async def close(self) -> None:
        """End the process, by force when it does not end by itself; return when it is over."""
        was_ok, self.state = self.state == "ok", "stopped"
        talk, farewell, has_ended = self._conversation, self._program.farewell, False
        if was_ok and talk is not None and farewell is not None:
            has_ended = await talk.end_with(farewell, self._program.patience_s)
        if self._task is not None:
            if not has_ended:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._role.on_end()

    async def _run(self) -> None:
        """Keep a process running."""
        failures = 0
        while True:
            self.state, began = "starting", self._env.monotonic()
            why = await self._live()
            if self.is_stopped:
                return
            self._early.clear()
            self._role.on_end()
            failures = 0 if self._env.monotonic() - began >= STEADY_S else failures + 1
            pause_s = min(BACKOFF_MIN_S * 2 ** min(max(0, failures - 1), 10), BACKOFF_MAX_S)
            pause_s *= 1 + self._env.random() / 2
            log.error("%s ended: %s; it starts again in %.1f s", self.name, why, pause_s)
            await asyncio.sleep(pause_s)

    async def _live(self) -> str:
        """Start a process and speak with it until it ends; return the reason."""
        ours, theirs = socket.socketpair()
        self._counters.children_started[self.name] += 1
        starting = asyncio.ensure_future(in_thread(lambda: spawned(self._program, theirs), self.name))
        try:
            with ours:
                self._process = await asyncio.shield(starting)
                ours.setblocking(False)
                return await self._converse(ours)
        except OSError as error:
            return f"it cannot be started: {error}"
        finally:
            # One that is asked to end gets the time for it.
            patience_s = CLOSE_S if self.is_stopped else 0.0
            if not self.is_stopped:
                self.state = "restarting"
            self._conversation = self._process = None
            await asyncio.shield(ended(starting, patience_s))

    async def _converse(self, pipe: socket.socket) -> str:
        """Speak with a process until it ends, or has to be ended; return the reason."""
        talk = self._conversation = _Conversation(self._role.on_content)
        await asyncio.get_running_loop().create_unix_connection(lambda: talk, sock=pipe)
        try:
            talk.write(frame(Kind.SETTINGS, self._role.settings))
            return await self._watch(talk)
        finally:
            talk.close()

    async def _watch(self, talk: "_Conversation") -> str:
        try:
            async with asyncio.timeout(READY_S):
                await talk.ready.wait()
        except TimeoutError:
            return f"it is not ready after {READY_S:g} s"
        if not talk.ended.is_set():
            self.state = "ok"
            for data in self._early:
                talk.write(data)
            self._early.clear()
        pings = 0
        while not talk.ended.is_set():
            pings = 0 if talk.has_spoken else pings + 1
            if pings > PINGS_MAX:
                return f"it said nothing for {PINGS_MAX * PING_S:g} s"
            talk.has_spoken = False
            talk.write(frame(Kind.PING))
            with suppress(TimeoutError):
                async with asyncio.timeout(PING_S):
                    await talk.ended.wait()
        return talk.fault or "its process is gone"


class _Conversation(asyncio.Protocol):
    """The socket to one process."""

    def __init__(self, on_content: Callable[[bytes], None]) -> None:
        self._on_content = on_content
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self.ready, self.ended = asyncio.Event(), asyncio.Event()
        self.has_spoken = True
        self.fault = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.has_spoken = True
        try:
            for kind, payload in self._reader.feed(data):
                if kind == Kind.READY:
                    self.ready.set()
                elif kind == Kind.CONTENT and self.ready.is_set():
                    self._on_content(payload)
        except ValueError as error:
            self.fault = f"it speaks nonsense: {error}"
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self.ready.set()

    def write(self, data: bytes) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        if self._transport.get_write_buffer_size() > UNSENT_MAX:
            return False
        self._transport.write(data)
        return True

    async def end_with(self, content: object, patience_s: float) -> bool:
        """Write the last thing; return whether the other end closes within so many seconds."""
        self.write(frame(Kind.CONTENT, content))
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self.ended.wait()
        return self.ended.is_set()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.ended.set()
        self.ready.set()


def spawned(program: Program, pipe: socket.socket) -> subprocess.Popen[bytes]:
    """Start a process whose standard input is this socket. It writes to our log."""
    with pipe:
        return subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, "-P", "-m", program.module],
            stdin=pipe.fileno(),
            stdout=subprocess.DEVNULL,
            pass_fds=program.descriptors,
        )


async def ended(starting: asyncio.Future[subprocess.Popen[bytes]], patience_s: float) -> None:
    """Return when a process is over, which was started and has lost its socket."""
    with suppress(OSError):
        process = await starting
        await in_thread(lambda: end(process, patience_s), "end of a process")


def end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Children:
    """The processes beside one daemon, by name."""

    def __init__(self) -> None:
        self._children: dict[str, Child] = {}

    def sender(self, config: Config, context: Context, on_answers: OnAnswers) -> Sender:
        """Return a sender of push notifications: a process, or one in this loop where there is to be none."""
        settings = sender_settings(config)
        if config.push.workers == 0:
            # With the libraries of the protocols, which are not always installed.
            from chatd.push.sender.services import LocalSender

            return LocalSender(settings, context.env, on_answers)
        sender = RemoteSender(settings, on_answers)
        sender.link = self._started(Program("push", PUSH), sender, context)
        return sender

    def search(self, settings: IndexSettings, context: Context) -> RemoteIndex:
        """Return an index of messages, which a process keeps."""
        index = RemoteIndex(settings)
        index.link = self._started(Program("search", SEARCH), index, context)
        return index

    def media(self, role: Role, listener: int, context: Context) -> Child:
        """Return the started process that takes and serves files. `listener`: its listening socket."""
        return self._started(Program("media", MEDIA, (listener,), Drain(), DRAIN_S), role, context)

    def _started(self, program: Program, role: Role, context: Context) -> Child:
        child = self._children[program.name] = Child(program, role, context.env, context.counters)
        child.start()
        return child

    def states(self) -> Mapping[str, State]:
        """Return the state of each process that there is to be."""
        return {name: child.state for name, child in self._children.items() if child.state != "stopped"}

    def gauges(self) -> Mapping[str, Mapping[str, float]]:
        return {"child_up": {name: int(state == "ok") for name, state in self.states().items()}}
