"""The floors as targets: each started as a program of its own, on the core that a daemon would have."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.codec import ENCODINGS
from bench.ports import free_ports
from bench.server import Command, Daemon, accepts, running
from bench.target import Target

FRAME_BYTES = 300  # payload of the daemon's push of one message: text of 160, key, author, places and times
FLOORS = {
    "push": ("one write each", str(FRAME_BYTES)),
    "broadcast": ("websockets.broadcast", str(FRAME_BYTES)),
    "echo": ("echo on the daemon's edge", ""),
    "flush": ("the echo, when six pages are on the disk", ""),
}


@asynccontextmanager
async def own_floor(name: str) -> AsyncIterator[Target]:
    """Starts one of FLOORS. Raises Unreachable."""
    _, *arguments = FLOORS[name]
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="chatd-floor-", ignore_cleanup_errors=True) as directory:
        log = Path(directory, "floor.log")
        start = ["-m", f"bench.floors.{name}", str(port), *filter(None, arguments)]
        async with running(Command(start, {}, port, log, accepts)) as pid:
            url = f"ws://127.0.0.1:{port}/v1/ws"
            yield Target(url, "", ENCODINGS["msgpack"], Daemon(url, "", pid, log, 0, {}))
