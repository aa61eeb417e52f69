"""Makes authors write: by the schedule of an open loop, or all the time in a closed one."""

from __future__ import annotations

from collections.abc import Sequence

from bench.engine.author import Author
from bench.engine.pump import Pump
from bench.engine.schedule import ARRIVALS
from bench.engine.stage import Stage


def pace(pump: Pump, stage: Stage, authors: Sequence[Author | None], start_ns: int) -> None:
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
    Schedule(pump, due).begin()


class Schedule:
    """Fires each message when it is due, whatever became of those before it."""

    def __init__(self, pump: Pump, due: list[tuple[int, Author]]) -> None:
        self._pump = pump
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
        author.due(due_ns)
