"""Measurements of one daemon on one database: how it starts, how it reads, how it writes."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import outcome, progress
from bench.checks import Tally
from bench.codec import ENCODINGS, Encoding
from bench.endpoint import Endpoint
from bench.engine.conversation import Direct, Pairs
from bench.engine.role import Plan
from bench.engine.run_state import Access, Pacing
from bench.engine.script import Script
from bench.histogram import Histogram
from bench.history.reading import Reading
from bench.history.shape import Shape
from bench.server import DaemonDir

_CHUNK_BYTES = 4 << 20  # large enough that the disk, not the loop, sets the pace
STARTS = 3  # of which the median counts
GREETINGS = 200  # enough that the 99th percentile is not the maximum


@dataclass(frozen=True)
class Start:
    """The median of some starts: seconds until the daemon answered, and the memory it held then."""

    ready_s: float
    rss_bytes: float

    def counted(self) -> dict[str, float]:
        return {"ready_s": round(self.ready_s, 3), "rss_bytes": self.rss_bytes}


async def start(here: DaemonDir) -> Start:
    seen: list[tuple[float, int]] = []
    for _ in range(STARTS):
        async with here.daemon() as daemon:
            seen.append((here.ready_s, daemon.rss_bytes()))
    return Start(median(ready_s for ready_s, _ in seen), median(rss for _, rss in seen))


async def read(here: DaemonDir, shape: Shape, encoding: Encoding, pages: int, tally: Tally) -> dict[str, Any]:
    """Pages and hellos with the file out of the kernel's memory, then with it there."""
    timed: dict[str, Histogram] = {}
    for state, prepare in (("cold", forget), ("", remember)):
        prepare(here.database)
        async with here.daemon() as daemon:
            there = Endpoint(daemon.url, daemon.secret, encoding, daemon)
            reading = Reading(there, shape, tally, seed=len(state))
            with progress.shown(_reading(reading, state or "warm", pages)):
                await reading.leaf(pages)
                await reading.greet(GREETINGS)
        suffix = f"_{state}_ms" if state else "_ms"
        kinds = {"page": reading.pages, "hello": reading.hellos, "sync": reading.syncs}
        timed |= {f"{kind}{suffix}": histogram for kind, histogram in kinds.items()}
    return {
        **{name: histogram.milliseconds() for name, histogram in timed.items()},
        "histograms": {name.removesuffix("_ms"): histogram.sparse() for name, histogram in timed.items()},
    }


def _reading(reading: Reading, state: str, pages: int) -> Callable[[], str]:
    def describe() -> str:
        leafed, greeted = progress.bar(reading.pages.count, pages), f"{reading.hellos.count}/{GREETINGS}"
        return f"read     {leafed} pages · {greeted} hellos · {state}"

    return describe


@dataclass(frozen=True)
class Sending:
    """The names, the pace and the processes of a load, and where its faults are counted."""

    script: Script
    pacing: Pacing
    tally: Tally
    procs: int = 1
    encoding: Encoding = ENCODINGS["msgpack"]


async def write(here: DaemonDir, rooms: tuple[str, ...], sending: Sending) -> dict[str, Any]:
    """Everybody writes to their partner in these direct rooms, in a closed loop: the result of that load."""
    async with here.daemon() as daemon:
        there = Endpoint(daemon.url, daemon.secret, sending.encoding, daemon)
        access = Access(there.url, there.secret, there.encoding.name)
        plan = Plan(Direct, access, sending.script, sending.pacing, Pairs(rooms))
        result, seen = await outcome.play("history", plan, there, sending.procs)
    sending.tally.merge(seen.tally)
    return result


def forget(file: Path) -> bool:
    """Makes the kernel drop its copy of the file, so that the next reader waits for the disk; whether it can."""
    if not hasattr(os, "posix_fadvise"):
        return False
    with file.open("rb") as opened:
        os.fsync(opened.fileno())  # what is not on the disk yet cannot be dropped
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def remember(file: Path) -> None:
    """Reads the file once, so that the kernel keeps as much of it as it has memory for."""
    with file.open("rb", buffering=0) as opened:
        while opened.read(_CHUNK_BYTES):
            pass
