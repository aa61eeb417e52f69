"""Programs of our own: daemons and others, started, watched and stopped again; and the daemon that a run talks to."""

import argparse
import asyncio
import os
import re
import resource
import secrets
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import machine, wire
from bench.client.device import Address
from bench.client.phone import Phone, connect
from bench.machine import free_ports
from bench.wire import ENCODINGS, Encoding, HandshakeError, Packet

# A cold start with empty caches takes about 1 s; on a machine with thirty others at work, a minute.
READY_DEADLINE_S = 240.0
READY_POLL_S = 0.005  # how exactly a start is timed
STOP_DEADLINE_S = 30.0  # drain.deadline_s is 15 by default; then it is killed
LOG_TAIL_BYTES = 4_096  # enough for a traceback in the error text
READY = b"HTTP/1.1 200"
COMPLAINTS_MAX = 20  # lines of it in a report

CONNECTIONS_MAX = 100_000  # of a daemon of our own, where the system allows as many files
CONNECTIONS_SHARE = 0.85  # of the files it may open; the others are for what still talks HTTP, and for itself


def connections_max() -> int:
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


_DIRECTORY, _TLS = "CHATD_STORAGE__DIRECTORY", "CHATD_LISTEN__TLS_CERT"


class Unreachable(Exception):
    """There is no daemon to talk to: it did not start, or the URL does not answer."""


@dataclass(frozen=True, slots=True)
class Daemon:
    url: str
    secret: str
    pid: int
    log: Path
    ops_port: int
    environment: Mapping[str, str]  # the CHATD_SECTION__KEY variables it was started with; others have none

    def kill(self) -> None:
        """End it as a power cut would end its process: nothing is flushed, nobody is told."""
        os.kill(self.pid, signal.SIGKILL)

    def complaints(self) -> list[str]:
        """The last lines it logged; at level warning a healthy daemon logs none."""
        return _tail(self.log).splitlines()[-COMPLAINTS_MAX:]

    def storage(self) -> dict[str, Any] | None:
        """The file system below its database; None of a program without one, or where the system does not tell."""
        directory = self.environment.get(_DIRECTORY)
        return machine.filesystem_of(Path(directory)) if directory else None

    def cpu_s(self) -> float:
        """Processor seconds used so far, user and system; 0 where the system does not tell."""
        with suppress(OSError):
            return time.clock_gettime(~self.pid << 3 | 2)  # as clock_getcpuclockid(3) has it
        return 0.0

    def children(self) -> list["Daemon"]:
        """The processes it has started, each as a daemon."""
        return [
            replace(self, pid=int(child)) for child in _proc(self.pid, f"task/{self.pid}/children").split()
        ]

    def rss_bytes(self, field: str = "VmRSS:") -> int:
        """Return the memory it holds now, or another field of its status; 0 where /proc does not tell."""
        lines = (line.split() for line in _proc(self.pid, "status").splitlines() if line.startswith(field))
        return next((int(line[1]) * 1024 for line in lines), 0)

    def rss_bytes_max(self) -> int:
        return self.rss_bytes("VmHWM:")

    def forget_peak(self) -> None:
        with suppress(OSError):
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    async def metric(self, name: str) -> float:
        """The sum of a metric over its labels, from `GET /metrics`; 0 when it is not there, or has no port."""
        if not self.ops_port:
            return 0.0
        streams = await asyncio.open_connection("127.0.0.1", self.ops_port)
        lines = (await http(*streams, "GET /metrics")).decode(errors="replace").splitlines()
        return sum(float(line.split(" ")[-1]) for line in lines if re.split("[ {]", line)[0] == name)


@dataclass(frozen=True)
class Endpoint:
    """A daemon that answered, and how to reach it. `daemon` is there only when it is our own."""

    url: str
    secret: str
    encoding: Encoding
    daemon: Daemon | None
    context: ssl.SSLContext | None = None  # TLS that is not the usual one

    @property
    def own(self) -> Daemon:
        assert self.daemon is not None
        return self.daemon

    async def dial(self) -> Phone:
        """A new connection that has not said hello. Raises OSError, TimeoutError, HandshakeError."""
        return await connect(Address.of(self.url), self.encoding, self.context)

    async def enter(self, user: str, device: str = "phone", **more: object) -> Phone:
        """A connection whose hello was answered. Raises what `dial` raises, and Refused."""
        phone = await self.dial()
        await self.hello(phone, user, device, **more)
        return phone

    async def hello(self, phone: Phone, user: str, device: str = "phone", **more: object) -> Packet:
        """Say hello on a new connection; `more` are further keys. Raises Refused."""
        hello = {"type": "hello", "version": 1, "token": wire.token(user, self.secret)}
        return await phone.request({**hello, "device": device.ljust(22, "-"), **more})


@dataclass
class DaemonDir:
    """A directory and an address that outlive the daemon on them: it can be killed, looked at and started again.

    `settings` are CHATD_SECTION__KEY variables beyond `usual`, PATIENT unless said otherwise.
    """

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    usual: Mapping[str, str] = field(default_factory=lambda: PATIENT)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    ports: list[int] = field(default_factory=lambda: free_ports(2))
    ready_s: float = 0.0  # from starting the last daemon until it answered

    @property
    def store(self) -> Path:
        return self.directory / "store"

    @property
    def database(self) -> Path:
        return self.store / "chatd.sqlite"

    @property
    def url(self) -> str:
        return f"{'wss' if _TLS in self.settings else 'ws'}://127.0.0.1:{self.ports[0]}/v1/ws"

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Daemon]:
        """`python -m chatd serve`, ready, on a core of its own where there are two, stopped at the end.

        Raises Unreachable, with the end of its log, when it stops or is not ready in READY_DEADLINE_S.
        """
        port, ops_port = self.ports
        environment = {
            "CHATD_LISTEN__ADDRESS": f"127.0.0.1:{port}",
            "CHATD_LISTEN__OPS_ADDRESS": f"127.0.0.1:{ops_port}",
            _DIRECTORY: str(self.store),
            "CHATD_AUTH__SECRET": self.secret,
            **self.usual,
            **self.settings,
        }
        log = self.directory / "daemon.log"
        started = time.perf_counter()
        async with running(
            ("-m", "chatd", "serve"), environment, log, partial(healthy, "127.0.0.1", ops_port)
        ) as pid:
            self.ready_s = time.perf_counter() - started
            yield Daemon(self.url, self.secret, pid, log, ops_port, environment)

    @asynccontextmanager
    async def endpoint(self, encoding: str = "msgpack") -> AsyncIterator[Endpoint]:
        """A daemon of its own, as `daemon` starts it, and how to reach it."""
        async with self.daemon() as daemon:
            yield Endpoint(self.url, self.secret, ENCODINGS[encoding], daemon)


@contextmanager
def daemon_dir(
    settings: Mapping[str, str] | None = None,
    directory: Path | None = None,
    usual: Mapping[str, str] | None = None,
) -> Iterator[DaemonDir]:
    """A DaemonDir in `directory`, which stays, or in a new one that is removed at the end."""
    with ExitStack() as stack:
        if directory is None:
            temporary = TemporaryDirectory(prefix="chatd-bench-", ignore_cleanup_errors=True)
            directory = Path(stack.enter_context(temporary))
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield DaemonDir(directory, settings or {}, PATIENT if usual is None else usual)


@asynccontextmanager
async def own_program(
    arguments: Callable[[Path, int], Sequence[str]], environment: Mapping[str, str], path: str
) -> AsyncIterator[Daemon]:
    """Another Python program on a free port and in a new directory, which its arguments are made of."""
    with TemporaryDirectory(prefix="chatd-program-", ignore_cleanup_errors=True) as made:
        (port,), directory = free_ports(1), Path(made)
        log = directory / "program.log"
        environment = {name: value.format(port=port) for name, value in environment.items()}
        async with running(
            arguments(directory, port), environment, log, partial(accepts, "127.0.0.1", port)
        ) as pid:
            yield Daemon(f"ws://127.0.0.1:{port}{path}", "", pid, log, 0, {})


@asynccontextmanager
async def running(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, ready: Callable[[], Awaitable[bool]]
) -> AsyncIterator[int]:
    """The pid of a Python program, ready and on a core of its own, and stopped afterwards. Raises Unreachable."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CHATD_")}
    everything = {**inherited, **environment}
    with log.open("wb") as out:
        start = asyncio.create_subprocess_exec
        program = await start(sys.executable, *arguments, env=everything, stdout=out, stderr=out)
    machine.pin(machine.daemon_core(), program.pid)
    deadline = time.monotonic() + READY_DEADLINE_S
    try:
        while not await ready():
            if program.returncode is not None:
                raise Unreachable(f"the daemon stopped with {program.returncode}:\n{_tail(log)}")
            if time.monotonic() > deadline:
                raise Unreachable(f"the daemon was not ready in {READY_DEADLINE_S:.0f} s:\n{_tail(log)}")
            await asyncio.sleep(READY_POLL_S)
        yield program.pid
    finally:
        with suppress(ProcessLookupError):
            program.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                await program.wait()
        except TimeoutError:
            program.kill()
            await program.wait()


async def accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def healthy(host: str, port: int) -> bool:
    try:
        return (await http(*await asyncio.open_connection(host, port), "GET /readyz")).startswith(READY)
    except OSError:
        return False


async def http(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, what: str, body: bytes = b""
) -> bytes:
    """One request, `GET /path` or another, with the whole answer; the connection is closed."""
    try:
        head = f"{what} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        return await reader.read()
    finally:
        writer.close()


def _tail(log: Path) -> str:
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""


SECRET_VARIABLE = "CHATD_AUTH__SECRET"  # as the daemon reads it


@asynccontextmanager
async def open_endpoint(options: argparse.Namespace) -> AsyncIterator[Endpoint]:
    """The daemon of the options, answering. Raises Unreachable, or ValueError for options that do not fit."""
    if options.secret_file is not None and not options.url:
        raise ValueError("--secret-file is the secret of a daemon at --url: that is missing")
    if not options.url:
        async with own_endpoint(options.encoding) as there:
            yield there
        return
    file = options.secret_file
    secret = file.read_text().strip() if file is not None else os.environ.get(SECRET_VARIABLE, "")
    if not secret:
        raise ValueError(f"--url needs the daemon's HS256 secret: --secret-file or ${SECRET_VARIABLE}")
    there = Endpoint(options.url, secret, ENCODINGS[options.encoding], None)
    try:
        phone = await there.dial()
    except (OSError, TimeoutError, HandshakeError, ssl.SSLError) as error:
        raise Unreachable(f"{there.url} does not answer: {str(error) or 'timed out'}") from error
    await phone.close()
    yield there


@asynccontextmanager
async def own_endpoint(
    encoding: str = "msgpack", settings: Mapping[str, str] | None = None
) -> AsyncIterator[Endpoint]:
    """A new daemon of our own, in a directory that is removed afterwards. Raises Unreachable."""
    with daemon_dir(settings) as here:
        async with here.endpoint(encoding) as there:
            yield there
