"""Time and chance that a test holds in its hand: the Env port, standing still until told to move."""

import heapq
import random
from collections.abc import Callable
from itertools import count

from chatd.env import Timer

TIMERS_MAX = 100_000  # in one go: more is a timer that sets itself without pause
START_MS = 1_763_900_000_000  # some day in 2025: a number a reader of a failure recognises


class ManualTimer:
    """One callback, waiting for its time."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualEnv:
    """Both clocks move only by `advance`; timers fire on the way, in order of their times."""

    def __init__(self, seed: int = 0) -> None:
        self._elapsed = 0.0
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._numbers = count()
        self._chance = random.Random(seed)
        self.jitter = 0.0  # what random() says

    def now_ms(self) -> int:
        return START_MS + round(self._elapsed * 1000)

    def monotonic(self) -> float:
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
        """Let `seconds` pass; what a timer sets within them fires, too."""
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
        """Timers that wait and were not cancelled."""
        return sum(timer.callback is not None for _, _, timer in self._timers)
