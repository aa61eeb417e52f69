"""A daemon with its own TLS and many sockets that never send a byte."""

import asyncio
import os
import re
import shlex
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatd.config.memory import memory_of
from chatd.config.model import Config, Listen
from tests.kit import http
from tests.kit.certificates import write_certificate
from tests.kit.daemon import PROGRAM, START_S, DaemonProcess

FILES = 300  # how many files the process may open


@pytest.fixture
def pem(tmp_path: Path) -> dict[str, str]:
    return write_certificate(tmp_path / "own.pem")


def with_tls(directory: Path, pem: dict[str, str], program: Sequence[str] = PROGRAM) -> DaemonProcess:
    settings = {f"LISTEN__{name.upper()}": path for name, path in pem.items()}
    return DaemonProcess(directory, program, **settings, LISTEN__REQUEST_DEADLINE_S="100")


@asynccontextmanager
async def silent_sockets(daemon: DaemonProcess, count: int) -> AsyncIterator[None]:
    """So many open sockets to a daemon that says nothing on any of them; the daemon runs around the block."""
    await daemon.start()
    parts, writers = urlsplit(daemon.http_url), []
    try:
        for _ in range(count):
            writers.append((await asyncio.open_connection(parts.hostname, parts.port))[1])
        yield
    finally:
        for writer in writers:
            writer.close()
        await daemon.kill9()


def descriptors(daemon: DaemonProcess) -> int:
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


async def test_silent_sockets_keep_nobody_out_and_operators_least(
    tmp_path: Path, pem: dict[str, str]
) -> None:
    program = ("bash", "-c", f"ulimit -n {FILES}; exec {shlex.join(PROGRAM)}")
    daemon = with_tls(tmp_path, pem, program)
    async with silent_sockets(daemon, 400):
        parts, trust = urlsplit(daemon.http_url), ssl.create_default_context(cafile=pem["tls_cert"])
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=trust)
        writer.write(b"GET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nchatd\n")
        writer.close()
        assert (await http.request(f"{daemon.ops_url}/readyz")).status == 200
        metrics = (await http.request(f"{daemon.ops_url}/metrics")).body.decode()
        cuts = re.findall(r"^chatd_arrivals_cut_total\{reason=\"\w+\"\} (\S+)", metrics, re.MULTILINE)
        assert sum(map(float, cuts)) > 300
        assert descriptors(daemon) < FILES


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="the kernel does not tell what a process takes"
)
async def test_a_silent_socket_costs_what_is_stated(tmp_path: Path, pem: dict[str, str]) -> None:
    daemon, stated = with_tls(tmp_path, pem), memory_of(Config(listen=Listen(**pem))).silent
    async with silent_sockets(daemon, 0):
        before, opened = resident(daemon), descriptors(daemon)
    async with silent_sockets(daemon, 200):
        async with asyncio.timeout(START_S):
            while descriptors(daemon) < opened + 200:
                await asyncio.sleep(0.01)
        assert (resident(daemon) - before) / 200 <= stated


def resident(daemon: DaemonProcess) -> int:
    """Bytes of memory the process holds."""
    return int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
