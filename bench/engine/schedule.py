"""When messages are due: fixed before the run, so that a slow daemon cannot slow the questions down. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable

from bench.engine.record import SECOND_NS


def poisson(rate: float, seconds: float, seed: int) -> list[int]:
    """Arrivals of many independent people: gaps are exponential. Nanoseconds from the start, ascending."""
    chance = random.Random(seed)
    times: list[int] = []
    at_s = chance.expovariate(rate)
    while at_s < seconds:
        times.append(int(at_s * SECOND_NS))
        at_s += chance.expovariate(rate)
    return times


def uniform(rate: float, seconds: float, seed: int) -> list[int]:
    """The same gap each time; `seed` moves nothing.

    >>> uniform(4, 1, seed=1)
    [0, 250000000, 500000000, 750000000]
    """
    return [int(place / rate * SECOND_NS) for place in range(round(rate * seconds))]


ARRIVALS: dict[str, Callable[[float, float, int], list[int]]] = {"poisson": poisson, "uniform": uniform}
