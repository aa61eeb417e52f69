"""One process's share of a load: whatever was due is sent, however late the generator is."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from bench.engine.device import Access, Device
from bench.engine.part import Moves, Part, _play
from bench.engine.pump import Pump
from bench.engine.record import SECOND_NS
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report, Said, Stage

SHORT = Pacing(duration_s=0.05, warmup_s=0.0, quiet_s=0.1)


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    """A process of the generator collects no garbage; ours does."""
    yield
    gc.enable()
    gc.unfreeze()


class HeldUp(Part):
    """The machine is busy elsewhere until all is over; one message was due meanwhile."""

    def __init__(self, pump: Pump, stage: Stage) -> None:
        super().__init__(pump, stage)
        self.sent = 0

    def devices(self) -> Iterable[Device]:
        return ()

    def begin(self, start_ns: int) -> None:
        self.pump.call_at(start_ns + SECOND_NS // 100, self._send)
        while time.perf_counter_ns() < self.stage.stop_ns:
            pass

    def answered(self) -> bool:
        return True

    def said(self) -> list[Said]:
        return [Said("room", 0, self.sent, self.sent)]

    def moves(self) -> Moves:
        return self.sent, 0, 0

    def report(self) -> Report:
        return Report()

    def _send(self) -> None:
        self.sent += 1


def test_what_was_due_is_sent_before_it_is_told_what_was_said() -> None:
    ours, theirs = multiprocessing.Pipe()
    stage = Stage(Access("ws://127.0.0.1:9/", "secret"), Script("late"), SHORT)
    pump = Pump()
    part = HeldUp(pump, stage)
    playing = threading.Thread(target=_play, args=(part, time.perf_counter_ns(), theirs))
    playing.start()
    topic, said = ours.recv()
    while topic != "said":
        topic, said = ours.recv()
    ours.send(said)
    playing.join()
    pump.close()
    assert [one.sent for one in said] == [1]


def test_a_pump_knows_of_callbacks_that_are_due() -> None:
    pump, called = Pump(), list[int]()
    assert not pump.overdue
    pump.call_at(time.perf_counter_ns() + SECOND_NS * 1000, lambda: called.append(2))
    assert not pump.overdue
    pump.call_at(time.perf_counter_ns(), lambda: called.append(1))
    assert pump.overdue
    pump.run(lambda: not pump.overdue)
    assert called == [1]
    pump.close()
