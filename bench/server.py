"""A daemon of our own: started as a subprocess on a temporary directory, watched, and stopped again."""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import cores, medium
from bench.ports import free_ports

READY_DEADLINE_S = (
    30.0  # a cold start with empty caches takes about 1 s; a busy machine gets thirty times that
)
READY_POLL_S = 0.05  # start-up is not measured, so a coarse poll is good enough
STOP_DEADLINE_S = 30.0  # drain.deadline_s is 15 by default; then it is killed
LOG_TAIL_BYTES = 4_096  # enough for a traceback in the error text
COMPLAINTS_MAX = 20  # lines of it in a report

CONNECTIONS_MAX = 100_000  # of a daemon of our own, where the system allows as many files
CONNECTIONS_SHARE = 0.85  # of the files it may open; the others are for what still talks HTTP, and for itself


def connections_max() -> int:
    """How many connections a daemon started from here can have."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = CONNECTIONS_MAX if allowed == resource.RLIM_INFINITY else int(CONNECTIONS_SHARE * allowed)
    return min(CONNECTIONS_MAX, files)


PATIENT = {
    "CHATD_LIMITS__CONNECTIONS": str(connections_max()),  # more than there is room for would be a complaint
    "CHATD_RATES__ENABLED": "false",  # a load generator is exactly what rate limits are there to stop
    "CHATD_LIMITS__CONNECTIONS_PER_ADDRESS": str(connections_max()),  # everybody comes from one address here
    "CHATD_LIMITS__UNAUTHENTICATED_PER_ADDRESS": "1000",
    "CHATD_LOG__LEVEL": "warning",  # a line per connection would measure the disk
}


_DIRECTORY = "CHATD_STORAGE__DIRECTORY"


class Unreachable(Exception):
    """There is no daemon to talk to: it did not start, or the URL does not answer."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon and what a phone needs to reach it."""

    url: str
    secret: str
    pid: int
    log: Path
    ops_port: int
    environment: Mapping[str, str]  # the CHATD_SECTION__KEY variables it was started with; others have none

    def complaints(self) -> list[str]:
        """The last lines it logged; at level warning a healthy daemon logs none."""
        return _tail(self.log).splitlines()[-COMPLAINTS_MAX:]

    def storage(self) -> dict[str, Any] | None:
        """What its database lies on; None of a program without one, or where the system does not tell."""
        directory = self.environment.get(_DIRECTORY)
        return medium.of(Path(directory)) if directory else None

    def cpu_s(self) -> float:
        """Processor seconds used so far, user and system; 0 where /proc does not tell."""
        fields = _proc(self.pid, "stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0

    def rss_bytes(self) -> int:
        """The memory it holds now; 0 where /proc does not tell."""
        return self._status_bytes("VmRSS:")

    def rss_bytes_max(self) -> int:
        """The most memory it held since it started, or since `forget_peak`; 0 where /proc does not tell."""
        return self._status_bytes("VmHWM:")

    def forget_peak(self) -> None:
        """What it held so far is no peak any more, where the system can do that (proc(5), clear_refs)."""
        with suppress(OSError):
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    async def metric(self, name: str) -> float:
        """The sum of a metric over its labels, from `GET /metrics`; 0 when it is not there, or has no port."""
        if not self.ops_port:
            return 0.0
        lines = (await _get(self.ops_port, "/metrics")).decode(errors="replace").splitlines()
        return sum(float(line.split(" ")[-1]) for line in lines if _metric_name(line) == name)

    def _status_bytes(self, field: str) -> int:
        for line in _proc(self.pid, "status").splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        return 0


@asynccontextmanager
async def own_daemon(settings: Mapping[str, str] | None = None) -> AsyncIterator[Daemon]:
    """Starts `python -m chatd serve` on free loopback ports and a new directory; removes both afterwards.

    It gets a core of its own where there are two. `settings` are further CHATD_SECTION__KEY variables; rates
    are off. Raises Unreachable, with the end of its log, when it stops or is not ready in READY_DEADLINE_S.
    """
    settings = {**PATIENT, **(settings or {})}
    with tempfile.TemporaryDirectory(prefix="chatd-bench-", ignore_cleanup_errors=True) as directory:
        (port, ops_port), secret = free_ports(2), secrets.token_urlsafe(32)
        command = serve(Path(directory), (port, ops_port), secret, settings)
        async with running(command) as pid:
            yield Daemon(
                f"ws://127.0.0.1:{port}/v1/ws", secret, pid, command.log, ops_port, command.environment
            )


def serve(directory: Path, ports: tuple[int, int], secret: str, settings: Mapping[str, str]) -> Command:
    """What starts a daemon on `directory` and these two ports of the loopback."""
    environment = {
        "CHATD_LISTEN__ADDRESS": f"127.0.0.1:{ports[0]}",
        "CHATD_LISTEN__OPS_ADDRESS": f"127.0.0.1:{ports[1]}",
        _DIRECTORY: str(directory / "store"),
        "CHATD_AUTH__SECRET": secret,
        **settings,
    }
    return Command(("-m", "chatd", "serve"), environment, ports[0], directory / "daemon.log", healthy)


@dataclass(frozen=True, slots=True)
class Command:
    """A Python program that listens on a port: what starts it, and how to see that it is ready."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    port: int
    log: Path
    ready: Callable[[str, int], Awaitable[bool]]


@asynccontextmanager
async def running(command: Command) -> AsyncIterator[int]:
    """The pid of the program, ready and on a core of its own, and stopped afterwards. Raises Unreachable."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CHATD_")}
    with command.log.open("wb") as output:
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            *command.arguments,
            env={**inherited, **command.environment},
            stdout=output,
            stderr=output,
        )
    cores.pin(cores.daemon_core(), program.pid)
    try:
        await _wait_ready(program, command)
        yield program.pid
    finally:
        await _stop(program)


async def accepts(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def healthy(host: str, port: int) -> bool:
    """Whether `GET /v1/health` answers 200 (protocol.md "Transport and encoding")."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(f"GET /v1/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(64)
    except OSError:
        return False
    finally:
        writer.close()
    return answer.startswith(b"HTTP/1.1 200")


def _metric_name(line: str) -> str:
    return line.partition(" ")[0].partition("{")[0]


async def _get(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return await reader.read(-1)
    finally:
        writer.close()


async def _wait_ready(program: asyncio.subprocess.Process, command: Command) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + READY_DEADLINE_S
    while not await command.ready("127.0.0.1", command.port):
        if program.returncode is not None:
            raise Unreachable(f"the daemon stopped with {program.returncode}:\n{_tail(command.log)}")
        if loop.time() > deadline:
            raise Unreachable(f"the daemon was not ready in {READY_DEADLINE_S:.0f} s:\n{_tail(command.log)}")
        await asyncio.sleep(READY_POLL_S)


async def _stop(running: asyncio.subprocess.Process) -> None:
    if running.returncode is not None:
        return
    running.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(running.wait(), STOP_DEADLINE_S)
    except TimeoutError:
        running.kill()
        await running.wait()


def _tail(log: Path) -> str:
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""
