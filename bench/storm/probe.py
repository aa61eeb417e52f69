"""A polite sender in the storm: what a send costs somebody who is back, while the others are not."""

from __future__ import annotations

import time
from functools import partial

from bench.codec import Packet
from bench.engine.record import SECOND_NS
from bench.histogram import Histogram
from bench.storm.sender import Sender
from bench.storm.visit import Stage

PER_S = 12.5  # messages: often enough to see a stall, seldom enough to be none


class Probe(Sender):
    """Sends PER_S messages a second from when he is back for the first time, by a schedule that waits for nobody.

    Whatever is due while he is cut off again waits for him, and counts from when it was due.
    """

    def __init__(self, stage: Stage, number: int, texts: list[str]) -> None:
        super().__init__(stage, number, texts)
        self.lags = Histogram()  # from due to when the generator got round to it
        self._room = ""

    def begin(self, room: str) -> None:
        """From his next hello on he sends there."""
        self._room = room

    def end(self) -> None:
        """Nothing more is due."""
        self._room = ""

    def welcome(self, reply: Packet) -> None:
        """The first time, his schedule begins."""
        super().welcome(reply)
        if self._room and not self.from_ns:
            self.from_ns = time.perf_counter_ns()
            self._fire(0)

    def _fire(self, number: int) -> None:
        if not self._room:
            return
        due_ns = self.from_ns + self._after_ns(number)
        self.lags.record(time.perf_counter_ns() - due_ns)
        self.say(self._room, due_ns)
        self.stage.pump.call_at(self.from_ns + self._after_ns(number + 1), partial(self._fire, number + 1))

    def _after_ns(self, number: int) -> int:
        return int(number / PER_S * SECOND_NS)
