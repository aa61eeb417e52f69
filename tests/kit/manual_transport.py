"""A transport under the control of a test: its kernel waits for commands."""

import asyncio
from typing import Any, cast


class ManualTransport(asyncio.Transport):
    """A transport that collects what is written; the kernel takes it at once, or by `kernel_takes`."""

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
