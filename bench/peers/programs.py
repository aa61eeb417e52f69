"""Servers that are not ours, started on the core a daemon would have: found, configured, watched and stopped."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.codec import ENCODINGS
from bench.ports import free_ports
from bench.server import Command, Daemon, accepts, running
from bench.target import Target

_SBIN = ("/usr/sbin", "/usr/local/sbin")  # where packages put servers, and the path of a user does not look
_EXEC = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"  # `running` starts Python programs
_ASK_S = 20.0  # for a package manager to say where its modules are

Arguments = Callable[[Path, int], Sequence[str]]  # its directory and port -> what it is started with


@dataclass(frozen=True)
class Program:
    """What is started: a program that must be on the path, and how. `path` is that of its URL."""

    name: str
    arguments: Arguments
    path: str = "/"
    module: str = ""  # of node, which must be installed, too
    runtime: str = ""  # what is started in its place, where it is no more than a wrapper
    environment: Callable[[int], Mapping[str, str]] = field(default=lambda port: {})

    @property
    def present(self) -> bool:
        """Whether it is installed."""
        return found(self.name) is not None and (not self.module or _has_module(self.module))


def found(program: str) -> str | None:
    """The path of an installed program; None when it is absent."""
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *_SBIN)))


def node_modules() -> str:
    """Where node finds modules: those of the working directory, and those installed for everybody."""
    npm = found("npm")
    everybody = ""
    if npm is not None:
        asked = subprocess.run(
            [npm, "root", "-g"], capture_output=True, text=True, timeout=_ASK_S, check=False
        )
        everybody = asked.stdout.strip()
    return os.pathsep.join(
        filter(None, (os.environ.get("NODE_PATH"), str(Path("node_modules").absolute()), everybody))
    )


@asynccontextmanager
async def own_peer(program: Program) -> AsyncIterator[Target]:
    """Starts an installed program on a free port of the loopback. Raises Unreachable."""
    binary = found(program.runtime or program.name)
    assert binary is not None
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="chatd-peer-", ignore_cleanup_errors=True) as directory:
        log = Path(directory, "peer.log")
        start = ("-c", _EXEC, binary, *program.arguments(Path(directory), port))
        async with running(Command(start, program.environment(port), port, log, accepts)) as pid:
            url = f"ws://127.0.0.1:{port}{program.path}"
            yield Target(url, "", ENCODINGS["json"], Daemon(url, "", pid, log, 0, {}))


def _has_module(module: str) -> bool:
    node = found("node")
    assert node is not None
    environment = {**os.environ, "NODE_PATH": node_modules()}
    asked = [node, "-e", f"require.resolve('{module}')"]
    return (
        subprocess.run(asked, env=environment, capture_output=True, timeout=_ASK_S, check=False).returncode
        == 0
    )
