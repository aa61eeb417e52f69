"""What every row needs to run something: a daemon of its own, names nobody had, a pacing of the extent's length."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.codec import ENCODINGS
from bench.engine.script import Script
from bench.engine.stage import Pacing
from bench.options import RUN_CHARS
from bench.server import own_daemon
from bench.target import Target
from bench.targets.goal import Extent


@asynccontextmanager
async def fresh_target() -> AsyncIterator[Target]:
    """An empty daemon on its own core, spoken to in MessagePack. Raises Unreachable."""
    async with own_daemon() as daemon:
        yield Target(daemon.url, daemon.secret, ENCODINGS["msgpack"], daemon)


def script(seed: int) -> Script:
    """Names of a new run, and the texts of the seed."""
    return Script(secrets.token_hex(RUN_CHARS)[:RUN_CHARS], seed)


def pacing(extent: Extent) -> Pacing:
    """A closed loop as long as the extent says; `paced` makes another of it."""
    return Pacing(extent.duration_s, extent.warmup_s, seed=extent.seed)
