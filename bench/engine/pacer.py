"""Makes authors write: by the schedule of an open loop, or all the time in a closed one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from bench.engine.pump import Pump
from bench.engine.record import Record
from bench.engine.schedule import ARRIVALS
from bench.engine.stage import Stage


class Speaker(Protocol):
    """Who can be made to write."""

    def begin_closed(self, in_flight: int) -> None:
        """Keep that many messages in flight until the stage stops."""

    def due(self, due_ns: int) -> None:
        """One message is due."""


def pace(pump: Pump, stage: Stage, authors: Sequence[Speaker | None], start_ns: int) -> None:
    """Starts everybody. `authors` are those of all processes in turn, None those of another process."""
    if not stage.pacing.rate:
        for author in authors:
            if author is not None:
                author.begin_closed(stage.pacing.in_flight)
        return
    times = ARRIVALS[stage.pacing.arrival](stage.pacing.rate, stage.pacing.whole_s, stage.pacing.seed)
    due = [
        (start_ns + at_ns, author)
        for place, at_ns in enumerate(times)
        if (author := authors[place % len(authors)]) is not None
    ]
    Schedule(pump, stage.record, due).begin()


class Schedule:
    """Fires each message when it is due, whatever became of those before it."""

    def __init__(self, pump: Pump, record: Record, due: list[tuple[int, Speaker]]) -> None:
        self._pump = pump
        self._record = record
        self._due = due
        self._place = 0

    def begin(self) -> None:
        """Waits for the first one."""
        if self._place < len(self._due):
            self._pump.call_at(self._due[self._place][0], self._fire)

    def _fire(self) -> None:
        due_ns, author = self._due[self._place]
        self._place += 1
        self.begin()
        self._record.fired(due_ns, time.perf_counter_ns())
        author.due(due_ns)
