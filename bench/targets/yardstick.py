"""How quick this machine is at this moment: what an absolute figure is read beside, and its bound is scaled by."""

import os
import socket
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgpack

ROUNDS = 100  # whose mean counts: what busy neighbours take is a part of this machine
PAGES = b"\0" * (6 * 4_120)  # a lone commit: six pages with their heads
MESSAGE = b"x" * 300  # the daemon's push of one message
_WORK = {"type": "send", "room": "d00000000000", "key": "k" * 33, "body": {"text": "x" * 160}}


class Yardstick(NamedTuple):
    """Milliseconds of a fixed piece of Python, of a flush, and of a send and its receipt, each of one core."""

    core_ms: float
    flush_ms: float
    send_ms: float

    def slowness(self, name: str) -> float:
        """How many times as long as on the machine of the bounds `core`, `flush` or `send` takes; 1 for no name."""
        if not name:
            return 1.0
        key = f"{name}_ms"
        return float(getattr(self, key) / getattr(REFERENCE, key))

    def counted(self) -> dict[str, Any]:
        return {name: round(value, 4) for name, value in self._asdict().items()}

    def __str__(self) -> str:
        times = (f"{name} {self.slowness(name):.2f} x" for name in ("core", "flush", "send"))
        shown = zip(times, self, strict=True)
        return " · ".join(f"{text} ({value:.3f} ms)" for text, value in shown)


# The machine on which the bounds were set, when it did nothing else.
REFERENCE = Yardstick(core_ms=1.75, flush_ms=0.18, send_ms=0.002)


def measured() -> Yardstick:
    """Measure; it takes a quarter of a second where nobody else is busy."""
    here, there = socket.socketpair()
    with here, there, tempfile.TemporaryFile(buffering=0) as file:

        def compute() -> None:
            for _ in range(2_000):
                msgpack.unpackb(msgpack.packb(_WORK))

        def flush() -> None:
            os.pwrite(file.fileno(), PAGES, 0)
            os.fdatasync(file.fileno())

        def send() -> None:
            here.send(MESSAGE)
            there.recv(4_096)

        flush()  # the first makes the file longer
        return Yardstick(*(_mean_ms(act) for act in (compute, flush, send)))


def _mean_ms(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    for _ in range(ROUNDS):
        act()
    return (time.perf_counter() - started) * 1000 / ROUNDS
