"""When messages are due: by a schedule fixed before the run, that no daemon slows down, or all the time when closed."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from bench.client.poller import Poller
from bench.engine.record import SECOND_NS, Record
from bench.engine.run_state import RunState


class Speaker(Protocol):
    def begin_closed(self, in_flight: int) -> None:
        """Keep that many messages in flight until the run stops."""
        for _ in range(in_flight):
            self.due(time.perf_counter_ns())

    def due(self, due_ns: int) -> None:
        """One message is due."""


def pace(state: RunState, authors: Sequence[Speaker | None], start_ns: int) -> None:
    """Start everybody. `authors` are those of all processes in turn, None those of another process."""
    pacing = state.pacing
    if not pacing.rate:
        for each in filter(None, authors):
            each.begin_closed(pacing.in_flight)
        return
    times = ARRIVALS[pacing.arrival](pacing.rate, pacing.whole_s, pacing.seed)
    due = [
        (start_ns + at_ns, author.due)
        for place, at_ns in enumerate(times)
        if (author := authors[place % len(authors)]) is not None
    ]
    Schedule(state.poller, state.record, due).begin()


class Schedule:
    """Fires each thing when it is due, whatever became of those before it."""

    def __init__(
        self, poller: Poller, record: Record, due: Sequence[tuple[int, Callable[[int], None]]]
    ) -> None:
        self._poller = poller
        self._record = record
        self._due = due
        self._place = 0

    @property
    def over(self) -> bool:
        return self._place == len(self._due)

    def begin(self) -> None:
        if not self.over:
            self._poller.call_at(self._due[self._place][0], self._fire)

    def _fire(self) -> None:
        due_ns, act = self._due[self._place]
        self._place += 1
        self.begin()
        self._record.fired(due_ns, time.perf_counter_ns())
        act(due_ns)


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
