"""Time and randomness under the control of a test: an Env that stands still until it is advanced."""

import heapq
import random
from collections.abc import Callable
from itertools import count

from chatd.env import Timer

# Timers of one advance: more is a timer that sets itself without pause.
TIMERS_MAX = 100_000
# A day in 2025: a number that a reader of a failure recognises.
START_MS = 1_763_900_000_000


class ManualTimer:
    """One callback that waits for its time."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualEnv:
    """An Env whose clocks move only by `advance`; timers fire on the way, in order of their times."""

    def __init__(self, seed: int = 0) -> None:
        self._elapsed = 0.0
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._numbers = count()
        self._chance = random.Random(seed)
        # The value of random().
        self.jitter = 0.0
        # By how much the wall clock was set.
        self.set_by_ms = 0

    def now_ms(self) -> int:
        return START_MS + round(self._elapsed * 1000) + self.set_by_ms

    def monotonic(self) -> float:
        return self._elapsed

    def thread_cpu_s(self) -> float:
        return self._elapsed

    def random(self) -> float:
        return self.jitter

    def random_bytes(self, count: int) -> bytes:
        return self._chance.randbytes(count)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        timer = ManualTimer(callback)
        heapq.heappush(self._timers, (self._elapsed + delay_s, next(self._numbers), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; a timer that is set within them fires, too."""
        until = self._elapsed + seconds
        fired = 0
        while self._timers and self._timers[0][0] <= until:
            at, _, timer = heapq.heappop(self._timers)
            self._elapsed = max(self._elapsed, at)
            fired += 1
            assert fired <= TIMERS_MAX, "a timer fires again and again without time passing"
            if timer.callback is not None:
                timer.callback()
        self._elapsed = until

    @property
    def pending(self) -> int:
        """The number of timers that wait and were not cancelled."""
        return sum(timer.callback is not None for _, _, timer in self._timers)
