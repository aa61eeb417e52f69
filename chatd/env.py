"""Time, chance and timers, as everything in the daemon asks for them."""

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Env(Protocol):
    """Time and chance. Nothing else in the daemon asks the machine for either."""

    def now_ms(self) -> int:
        """Wall clock, Unix milliseconds; may jump. Shown to people, never used to decide."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def random(self) -> float:
        """Uniform in [0, 1)."""

    def random_bytes(self, count: int) -> bytes:
        """Unpredictable bytes."""

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer: ...
