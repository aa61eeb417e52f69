"""The Env of a real machine: its clocks, its randomness, the timers of the running loop."""

import asyncio
import os
import random
import time
from collections.abc import Callable

from chatd.env import Timer


class SystemEnv:
    """Time and randomness of the operating system."""

    def __init__(self) -> None:
        self._random = random.Random(os.urandom(16))  # noqa: S311 - for jitter, which may be guessed

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def thread_cpu_s(self) -> float:
        return time.thread_time()

    def random(self) -> float:
        return self._random.random()

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, callback)
