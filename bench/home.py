"""A directory and an address that outlive the daemon on them: it can be killed, looked at and started again."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.codec import Encoding
from bench.ports import free_ports
from bench.server import PATIENT, Daemon, healthy, running, serve
from bench.target import Target

_LOOKS, _LOOK_S = 8, 0.005  # within one look of `running`, so that a start is timed to 5 ms


@dataclass
class Home:
    """Where one daemon after the other lives. `settings` are CHATD_SECTION__KEY variables beyond the usual ones."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    ports: tuple[int, int] = field(default_factory=lambda: _two(free_ports(2)))
    ready_s: float = 0.0  # from starting the last daemon until it answered

    @property
    def store(self) -> Path:
        """The directory of the database."""
        return self.directory / "store"

    @property
    def database(self) -> Path:
        """The database."""
        return self.store / "chatd.sqlite"

    @property
    def url(self) -> str:
        """Where phones dial to."""
        return f"ws://127.0.0.1:{self.ports[0]}/v1/ws"

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Daemon]:
        """A daemon, ready, on a core of its own, stopped at the end unless it is dead. Raises Unreachable."""
        settings = {**PATIENT, **self.settings}
        command = replace(serve(self.directory, self.ports, self.secret, settings), ready=_ready)
        started = time.perf_counter()
        async with running(command) as pid:
            self.ready_s = time.perf_counter() - started
            yield Daemon(self.url, self.secret, pid, command.log, self.ports[1], command.environment)

    def target(self, daemon: Daemon, encoding: Encoding) -> Target:
        """The daemon as phones see it."""
        return Target(daemon.url, daemon.secret, encoding, daemon)


@contextmanager
def new_home(settings: Mapping[str, str] | None = None, directory: Path | None = None) -> Iterator[Home]:
    """A home in `directory`, which stays, or in a new one that is removed at the end."""
    if directory is not None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield Home(directory, settings or {})
        return
    with tempfile.TemporaryDirectory(prefix="chatd-bench-", ignore_cleanup_errors=True) as made:
        yield Home(Path(made), settings or {})


def kill(daemon: Daemon) -> None:
    """Ends the daemon as a power cut would end its process: nothing is flushed, nobody is told."""
    os.kill(daemon.pid, signal.SIGKILL)


def _two(ports: list[int]) -> tuple[int, int]:
    first, second = ports
    return first, second


async def _ready(host: str, port: int) -> bool:
    for _ in range(_LOOKS):
        if await healthy(host, port):
            return True
        await asyncio.sleep(_LOOK_S)
    return False
