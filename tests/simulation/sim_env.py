"""The Env of a simulated daemon: virtual time, a wall clock that jumps, and randomness that is the same every time."""

import asyncio
import random
from collections.abc import Callable

from chatd.env import Timer
from tests.kit.env import START_MS


class WallClock:
    """The wall clock of the machine, and of the app that issues tokens on it."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def now_s(self) -> float:
        return START_MS / 1000 + self.offset_s + asyncio.get_running_loop().time()


class SimEnv:
    """The time and randomness of one daemon process."""

    def __init__(self, wall: WallClock, seed: int) -> None:
        self._wall = wall
        self._chance = random.Random(seed)

    def now_ms(self) -> int:
        return int(self._wall.now_s() * 1000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def thread_cpu_s(self) -> float:
        # As if nobody else used the machine.
        return asyncio.get_running_loop().time()

    def random(self) -> float:
        return self._chance.random()

    def random_bytes(self, count: int) -> bytes:
        return self._chance.randbytes(count)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, callback)
