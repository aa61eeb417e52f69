"""What is measured of one daemon on one database: how it starts, how it reads, how it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench import outcome, progress
from bench.checks import Tally
from bench.codec import ENCODINGS, Encoding
from bench.engine.crew import measure
from bench.engine.device import Access
from bench.engine.direct import Direct, Pairs
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing
from bench.histogram import Histogram
from bench.history import cache
from bench.history.reading import Reading
from bench.history.shape import Shape
from bench.home import Home

STARTS = 3  # of which the median counts
GREETINGS = 200  # enough that the 99th percentile is not the maximum


@dataclass(frozen=True)
class Start:
    """The median of some starts: seconds until the daemon answered, and the memory it held then."""

    ready_s: float
    rss_bytes: float

    def counted(self) -> dict[str, float]:
        """As a result file has it."""
        return {"ready_s": round(self.ready_s, 3), "rss_bytes": self.rss_bytes}


async def start(home: Home) -> Start:
    """Starts and stops the daemon a few times."""
    seen: list[tuple[float, int]] = []
    for _ in range(STARTS):
        async with home.daemon() as daemon:
            seen.append((home.ready_s, daemon.rss_bytes()))
    return Start(median(ready_s for ready_s, _ in seen), median(rss for _, rss in seen))


async def read(home: Home, shape: Shape, encoding: Encoding, pages: int, tally: Tally) -> dict[str, Any]:
    """Pages and hellos with the file out of the kernel's memory, then with it there."""
    timed: dict[str, Histogram] = {}
    for state, prepare in (("cold", cache.forget), ("", cache.remember)):
        prepare(home.database)
        async with home.daemon() as daemon:
            reading = Reading(home.target(daemon, encoding), shape, tally, seed=len(state))
            with progress.shown(_reading(reading, state or "warm", pages)):
                await reading.leaf(pages)
                await reading.greet(GREETINGS)
        suffix = f"_{state}_ms" if state else "_ms"
        timed |= {
            f"page{suffix}": reading.pages,
            f"hello{suffix}": reading.hellos,
            f"sync{suffix}": reading.syncs,
        }
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
    """Who sends what, how, from how many processes, and where faults are counted."""

    script: Script
    pacing: Pacing
    tally: Tally
    procs: int = 1
    encoding: Encoding = ENCODINGS["msgpack"]


async def write(home: Home, rooms: tuple[str, ...], sending: Sending) -> dict[str, Any]:
    """Everybody writes to his partner in these direct rooms, in a closed loop: the result of that load."""
    async with home.daemon() as daemon:
        there = home.target(daemon, sending.encoding)
        access = Access(there.url, there.secret, there.encoding.name)
        plan = Plan(Direct, access, sending.script, sending.pacing, Pairs(rooms))
        seen, measured = await measure(plan, sending.procs, there)
    sending.tally.merge(seen.tally)
    return outcome.of("history", seen, measured, there, sending.pacing)
