"""Time and transport moved by hand: a clock whose timers run in `advance`, a kernel that waits to be told."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any, cast

from chatd.ports import Timer


class ManualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualEnv:
    """Time that passes in `advance` only; randomness is always the middle and zero bytes."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._count = 0
        self._timers: list[tuple[float, int, ManualTimer]] = []

    def now_ms(self) -> int:
        return 1_763_900_000_000 + int(self._now * 1000)

    def monotonic(self) -> float:
        return self._now

    def random(self) -> float:
        return 0.5

    def random_bytes(self, count: int) -> bytes:
        return bytes(count)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        timer = ManualTimer(callback)
        self._count += 1
        heapq.heappush(self._timers, (self._now + delay_s, self._count, timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass and run what is due, in order."""
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, due)
            if timer.callback is not None:
                timer.callback()
        self._now = end

    @property
    def pending(self) -> int:
        """Timers that will still run."""
        return sum(timer.callback is not None for _, _, timer in self._timers)


class ManualTransport(asyncio.Transport):
    """Collects what is written; the kernel takes it at once, or when told with `kernel_takes`."""

    def __init__(self, protocol: asyncio.Protocol, *, peername: object = ("192.0.2.1", 40000)) -> None:
        super().__init__({"peername": peername})
        self.protocol = protocol
        self.written = b""
        self.writes = 0
        self.buffered = 0
        self.is_stuck = False
        self.is_reading_paused = False
        self.is_closed = False
        self.is_aborted = False
        self.has_eof = False
        self._high = 65536
        self._is_blocked = False

    def write(self, data: Any) -> None:
        assert not self.has_eof, "written behind the end"
        self.written += data
        self.writes += 1
        if self.is_stuck:
            self.buffered += len(data)
            self._maybe_block()

    def kernel_takes(self, count: int) -> None:
        self.buffered -= min(count, self.buffered)
        if self._is_blocked and self.buffered <= self._high // 4:
            self._is_blocked = False
            self.protocol.resume_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 65536 if high is None else high
        self._maybe_block()

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_eof = True

    def is_closing(self) -> bool:
        return self.is_closed

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = cast(asyncio.Protocol, protocol)

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True
        self.is_aborted = True

    def _maybe_block(self) -> None:
        if self.buffered > self._high and not self._is_blocked:
            self._is_blocked = True
            self.protocol.pause_writing()
