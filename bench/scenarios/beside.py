"""Two sides in one run: in turns, by processor time, told as figures that must be reached or are reported."""

import argparse
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from bench import outcome
from bench.checks import COUNTERS
from bench.engine.record import Script
from bench.engine.run_state import Pacing
from bench.options import script
from bench.outcome import Played
from bench.scenarios import loads
from bench.server import Daemon, Endpoint
from bench.targets.target import HEAD, Extent, Figure, Measured, measured_here

OFFERED = ("duration", "warmup", "rounds", "clients", "members", "senders", "seed")
OPTIONS = f"{' '.join(OFFERED)} json html threshold"
DEFAULTS: dict[str, Any] = {"duration": 15.0, "rounds": 6, "clients": 200, "members": 1000, "senders": 8}
SWITCHED = (False, True)  # the sides without and with what is measured
Side = TypeVar("Side")
Cost = TypeVar("Cost")


async def by_turns(
    sides: Sequence[Side], number: int, measure: Callable[[Side], Awaitable[Cost]]
) -> dict[Side, Cost]:
    """Measure each side, one right after the other; who comes first is last in the next round."""
    return {side: await measure(side) for side in (sides if number % 2 else sides[::-1])}


def slice_of(extent: Extent, load: str) -> Pacing:
    """Return the pace of a moment, so short that what else the machine does meets all sides."""
    at = Pacing(extent.duration_s / 5, extent.warmup_s / 5, seed=extent.seed)
    return at.paced(in_flight=4) if load == "fanout" else at


async def play(
    load: str, there: Endpoint, extent: Extent, at: Pacing, run: Script | None = None, **more: Any
) -> Played:
    """Play `fanout` or `direct`, as large as the extent has it. `more`: keys of what makes or updates its rooms."""
    run = run or script(extent.seed)
    if load == "fanout":
        sizes = {"members": extent.members, "senders": extent.senders}
        return await loads.fanout(there, run, at, **sizes, **more)
    return await loads.direct(there, run, at, clients=extent.clients, **more)


def p99(values: Sequence[float]) -> float | None:
    return sorted(values)[math.ceil(len(values) * 0.99) - 1] if values else None


async def used(daemon: Daemon, times: int, call: Callable[[int], Awaitable[Any]]) -> float:
    """Return the microseconds of a core that one of so many calls takes the daemon."""
    before = daemon.cpu_s()
    for number in range(times):
        await call(number)
    return max(1.0, (daemon.cpu_s() - before) * 1e6 / times)


async def took(times: int, call: Callable[[int], Awaitable[Any]]) -> list[float]:
    """Return the milliseconds of each of so many calls, one after the other."""
    found = []
    for number in range(times):
        began = time.perf_counter()
        await call(number)
        found.append((time.perf_counter() - began) * 1e3)
    return found


async def told(
    scenario: str,
    figures: Sequence[Figure],
    measure: Callable[[Extent], Awaitable[Measured]],
    options: argparse.Namespace,
) -> int:
    """Measure figures with what the options offer, and print them."""
    named = {"duration": "duration_s", "warmup": "warmup_s"}
    extent = Extent(**{named.get(name, name): getattr(options, name) for name in OFFERED if name in options})
    measured, yardstick = await measure(extent), measured_here()
    lines = ["", *measured.remarks(), HEAD]
    lines += [one.here(yardstick).as_text(measured.figures[one.key]) for one in figures]
    counts = {name: sum(result.get(name, 0) for result in measured.results) for name in COUNTERS}
    return outcome.finish({"scenario": scenario, "figures": measured.figures, **counts}, options, lines)
