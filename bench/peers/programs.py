"""Servers that are not ours, started on the core a daemon would have: found, configured, watched and stopped."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.codec import ENCODINGS
from bench.server import Command, Daemon, accepts, free_ports, running
from bench.target import Target

_SBIN = ("/usr/sbin", "/usr/local/sbin")  # where packages put servers, and the path of a user does not look
_EXEC = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"  # `running` starts Python programs

Arguments = Callable[[Path, int], Sequence[str]]  # its directory and port -> what it is started with


def found(program: str) -> str | None:
    """The path of an installed program; None when it is absent."""
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *_SBIN)))


@asynccontextmanager
async def own_peer(program: str, arguments: Arguments, path: str = "") -> AsyncIterator[Target]:
    """Starts an installed program on a free port; `path` is that of its URL. Raises Unreachable."""
    binary = found(program)
    assert binary is not None
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="chatd-peer-", ignore_cleanup_errors=True) as directory:
        log = Path(directory, "peer.log")
        start = ("-c", _EXEC, binary, *arguments(Path(directory), port))
        async with running(Command(start, {}, port, log, accepts)) as pid:
            url = f"ws://127.0.0.1:{port}{path}"
            yield Target(url, "", ENCODINGS["json"], Daemon(url, "", pid, log, 0, {}))
