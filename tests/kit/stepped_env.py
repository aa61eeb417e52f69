"""Time for a real daemon on real sockets: what is due at once happens at once, hours pass on command."""

import asyncio
import time
from collections.abc import Callable

from chatd.env import Timer
from tests.kit.env import ManualEnv


class SteppedEnv(ManualEnv):
    """Clocks that move only by `advance` and `jump_s`. The wall clock begins with the real one, for tokens."""

    def __init__(self) -> None:
        super().__init__()
        self._began_ms = time.time_ns() // 1_000_000
        # The error of the wall clock.
        self.jump_s = 0.0

    def now_ms(self) -> int:
        return self._began_ms + round(1000 * (self.monotonic() + self.jump_s))

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        if delay_s <= 0:
            return asyncio.get_running_loop().call_later(0, callback)
        return super().call_later(delay_s, callback)
