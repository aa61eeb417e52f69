"""The interface to time, randomness and timers."""

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Env(Protocol):
    """Time and randomness. Nothing else in the daemon asks the machine for either, so that tests can set both."""

    def now_ms(self) -> int:
        """Return the wall clock, Unix milliseconds; may jump. Shown to people, never used to decide."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    def thread_cpu_s(self) -> float:
        """Return the CPU seconds that the calling thread has used."""

    def random(self) -> float:
        """Return a number, uniform in [0, 1)."""

    def random_bytes(self, count: int) -> bytes:
        """Return unpredictable bytes."""

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` once, after `delay_s` seconds, unless the timer is cancelled."""
        ...
