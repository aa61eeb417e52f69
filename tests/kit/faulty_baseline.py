"""Baselines with deliberate faults: the harness must verify the servers that a daemon is compared with, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from bench.baselines.push import Connection, Floor
from bench.wire import server_frame

# The number of the push or echo with the fault.
FAULTY = 5
_FRAME_BYTES = 300
_COPIES = {"swallow": 0, "double": 2}


class FaultyBaseline(Floor):
    """Baseline (a) with one fault.

    `forget`: one member does not get it, `alter`: one member gets other bytes, `swallow`: nobody gets it, `double`:
    everybody gets it twice.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(server_frame(bytes(_FRAME_BYTES)))
        self._fault = fault
        self._pushed = 0

    def _push(self) -> None:
        self._pushed += 1
        if self._pushed == FAULTY:
            self._lie()
        else:
            super()._push()

    def _lie(self) -> None:
        everybody, chosen = self.members, next(iter(self.members))
        if self._fault == "alter":
            chosen.write(server_frame(b"x" * _FRAME_BYTES))
        if self._fault == "double":
            for member in everybody:
                member.write(self._frame)
        receivers = {
            "forget": everybody - {chosen},
            "alter": everybody - {chosen},
            "swallow": set[asyncio.Transport](),
        }
        self.members = receivers.get(self._fault, everybody)
        super()._push()
        self.members = everybody


@asynccontextmanager
async def faulty_baseline(fault: str) -> AsyncIterator[str]:
    """Run a faulty baseline (a) and yield its URL."""
    floor = FaultyBaseline(fault)
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: Connection(floor), "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@asynccontextmanager
async def faulty_echo(fault: str) -> AsyncIterator[str]:
    """Run a faulty echo and yield its URL; one message is swallowed, doubled, or comes back altered (`alter`)."""
    heard = count(1)

    async def echo(link: ServerConnection) -> None:
        async for content in link:
            faulty = next(heard) == FAULTY
            back = content[::-1] if faulty and fault == "alter" else content
            for _ in range(_COPIES.get(fault, 1) if faulty else 1):
                await link.send(back)

    protocols = [Subprotocol("chatd.v1.msgpack")]
    async with serve(echo, "127.0.0.1", 0, subprotocols=protocols, ping_interval=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"
