"""A real daemon with two users who chat while mallory attacks it, and the check for damage after each attempt."""

import asyncio
import gc
import logging
import math
import os
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatd.session.session import Session
from chatd.websocket.connection import WebSocketConnection
from tests.hostile.attacker import TIMEOUT_S, Attacker
from tests.hostile.case import FOREIGN, OWN, Case, Scenario
from tests.hostile.packets import DIRECT
from tests.kit.client import TestClient
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.stepped_env import SteppedEnv
from tests.kit.tokens import token_for

# The last two are origins that are not allowed.
ORIGINS = ("https://app.example", "http://localhost:3000", "null", "*")
# The longest life of a token: alice and bob stay through hours that pass at once.
DAY_S = 86_400.0
# The writer holds on to its last batch, and with it to the connections that asked, until the next one.
LINGERING = 2
# This is well below the 30 s of a heartbeat.
STEP_S = 5.0
# So many bytes of what was sent, in a line of the log, are no accident.
LEAK_BYTES = 12


class Harm(AssertionError):
    """An attempt did damage."""


class AttackedDaemon:
    """The daemon, alice and bob, and the log. Every attempt ends with a check for damage."""

    def __init__(self, daemon: RunningDaemon, log: "LogKeeper", env: SteppedEnv | None = None) -> None:
        self.daemon = daemon
        self.log = log
        self.env = env
        self._attackers: list[Attacker] = []
        # Rooms, by their names in the tables.
        self.names: dict[str, str] = {}

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the daemon."""
        parts = urlsplit(self.daemon.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    async def set_up(self) -> None:
        """Connect alice and bob, and create the room of mallory with alice in it."""
        lasting = {user: token_for(user, lifetime_s=DAY_S) for user in ("alice", "bob")}
        self.alice = await TestClient.connect(self.daemon.url, "alice", token=lasting["alice"])
        self.bob = await TestClient.connect(self.daemon.url, "bob", token=lasting["bob"], encoding="json")
        mallory = await TestClient.connect(self.daemon.url, "mallory")
        for client in (self.alice, self.bob, mallory):
            await client.say_hello()
        self.names[FOREIGN] = await self.alice.create_group("others", self.bob)
        own = self.names[OWN] = await mallory.create_group("own", self.alice)
        await mallory.send(own, "his")
        await self.alice.send(own, "hers", key="key-of-alice")
        await mallory.send(own, "soon gone")
        await mallory.recall(own, 4)
        self.names[DIRECT] = await mallory.open_direct(self.alice)
        await mallory.hang_up()
        await self.bob.forget()

    async def connect(self, encoding: str = "", *, user: str = "") -> Attacker:
        """Open a connection of mallory: bare, upgraded when there is an encoding, welcomed when there is a user.

        It is closed with the end of the scenario at the latest.
        """
        attacker = await Attacker.connect(*self.place)
        self._attackers.append(attacker)
        if encoding:
            await attacker.upgrade(encoding)
        if user:
            await attacker.say_hello(user)
        return attacker

    async def advance(self, seconds: float) -> None:
        """Let time pass, in steps after which alice and bob send something. Only with a SteppedEnv."""
        assert self.env is not None
        for _ in range(math.ceil(seconds / STEP_S)):
            self.env.advance(STEP_S)
            await self.chat()
            await self.bob.catch_up()

    def expect_no_leftovers(self) -> None:
        """Raise Harm when more objects of connections are left than alice and bob have."""
        gc.collect()
        app, objects = self.daemon.app, gc.get_objects()
        sessions = [
            one for one in objects if isinstance(one, Session) and one._rate_limits is app.rate_limits
        ]
        wires = [one for one in objects if isinstance(one, WebSocketConnection)]
        ours = [one for one in wires if one._acceptor.admission is app.admission]
        if max(len(sessions), len(ours)) > 2 + LINGERING:
            raise Harm(f"{len(sessions)} sessions and {len(ours)} connections are kept, two are open")

    async def leave(self) -> None:
        for client in (self.alice, self.bob):
            await client.hang_up()

    async def run_case(self, case: Case) -> str:
        """Run a case of mallory; return its outcome. Raises Harm when anything is left of it."""
        before = self.footprint()
        mallory = await Attacker.connect(*self.place)
        try:
            if case.when != "connect":
                await mallory.upgrade(case.encoding)
            if case.when == "later":
                await mallory.say_hello()
            sent = self.fill_in(case.sent)
            found = await mallory.attempt(case, sent)
            await self.chat()
        finally:
            await mallory.leave()
        await self.expect_recovery(before)
        self.log.check_quiet_about(sent)
        return found

    async def run_scenario(self, scenario: Scenario) -> None:
        """Run a scenario of mallory. Raises Harm when anything is left of it."""
        before = self.footprint()
        try:
            await scenario.run(self)
            await self.chat()
        finally:
            for attacker in self._attackers:
                await attacker.leave()
            self._attackers.clear()
        await self.expect_recovery(before)
        self.log.check_quiet_about(b"")

    def fill_in(self, sent: bytes) -> bytes:
        """Return the bytes of a case, with real names of rooms for those of the tables; they are as long."""
        for name, real in self.names.items():
            sent = sent.replace(name.encode(), real.encode())
        return sent

    async def chat(self) -> None:
        """Send a message from alice, and wait until bob has it."""
        room = self.names[FOREIGN]
        ack = await self.alice.send(room, "still here")
        pushed = await self.bob.next_event(room)
        if pushed["seq"] != ack["seq"]:
            raise Harm(f"bob got {pushed['seq']}, alice sent {ack['seq']}")

    def sessions_of(self, user: str) -> list[Any]:
        """Return the sessions of a user."""
        return list(self.daemon.app.hub.sessions.get(user, {}).values())

    def footprint(self) -> dict[str, int]:
        """Return the number of all objects that an attempt could leave behind."""
        app = self.daemon.app
        return {
            "tasks": sum(map(_lasts, asyncio.all_tasks())),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "under way": len(app.rate_limits.tasks),
            "sessions": sum(map(len, app.hub.sessions.values())),
            "admitted": app.admission.total,
            "before hello": app.admission.unauthenticated,
            "connections": self.daemon.sockets,
        }

    async def expect_recovery(self, before: dict[str, int]) -> None:
        """Return when there are no more objects of any kind than before."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while grown := self._grown(before):
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise Harm(f"left behind: {grown}; tasks: {asyncio.all_tasks()}") from None

    def _grown(self, before: dict[str, int]) -> dict[str, tuple[int, int]]:
        now = self.footprint()
        return {name: (before[name], now[name]) for name in now if now[name] > before[name]}


def _lasts(task: asyncio.Task[Any]) -> bool:
    """Whether a task lasts: listeners wait for their end in a new task every second."""
    return getattr(task.get_coro(), "__qualname__", "") != "Event.wait"


# It names the web pages that were refused: an origin is no secret. tests/websocket/test_origins.py has the rest.
NAMES_ORIGINS = "chatd.websocket.origins"


class LogKeeper(logging.Handler):
    """A log handler that keeps what is logged, and raises for what must not be."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def check_quiet_about(self, sent: bytes) -> None:
        """Raise Harm for an error in the log, or a piece of what was sent; then forget everything."""
        records, self.records = self.records, []
        for record in records:
            line = record.getMessage()
            if record.exc_info and record.exc_info[1]:
                line += "".join(traceback.format_exception(record.exc_info[1]))
            if record.levelno >= logging.ERROR:
                raise Harm(f"logged: {line}")
            if record.name != NAMES_ORIGINS and (piece := leaked(line, sent)):
                raise Harm(f"a line of the log holds {piece!r}, which was sent: {line}")


def leaked(line: str, sent: bytes) -> str | None:
    """Return a piece of `sent` in a line, at least LEAK_BYTES long, or None."""
    text = line.encode()
    pieces = (text[at : at + LEAK_BYTES] for at in range(len(text) - LEAK_BYTES + 1))
    return next((piece.decode("latin-1") for piece in pieces if piece in sent), None)


@asynccontextmanager
async def attacked(
    directory: Path, env: SteppedEnv | None = None, **sections: dict[str, Any]
) -> AsyncIterator[AttackedDaemon]:
    """Run an attacked daemon around the block; `sections` change its configuration, `env` lets hours pass at will."""
    log, root = LogKeeper(), logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.INFO)
    sections = {"listen": {"origins": ORIGINS, **sections.pop("listen", {})}, **sections}
    try:
        async with running_daemon(config_for(directory, **sections), env) as daemon:
            attacked_daemon = AttackedDaemon(daemon, log, env)
            await attacked_daemon.set_up()
            yield attacked_daemon
            attacked_daemon.expect_no_leftovers()
            await attacked_daemon.leave()
    finally:
        root.setLevel(level)
        root.removeHandler(log)
