"""One process's share of a load: whatever was due is sent, however late the generator is."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from bench.client.device import Device
from bench.client.poller import Poller
from bench.engine.record import SECOND_NS, Script
from bench.engine.run_state import Access, Pacing, Report, RunState, Said
from bench.engine.workers import Moves, Role, _play

SHORT = Pacing(duration_s=0.05, warmup_s=0.0, quiet_s=0.1)


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    """A process of the generator collects no garbage; ours does."""
    yield
    gc.enable()
    gc.unfreeze()


class HeldUp(Role):
    """The machine is busy elsewhere until all is over; one message was due meanwhile."""

    def __init__(self, state: RunState) -> None:
        super().__init__(state)
        self.sent = 0

    def devices(self) -> Iterable[Device]:
        return ()

    def begin(self, start_ns: int) -> None:
        self.state.poller.call_at(start_ns + SECOND_NS // 100, self._send)
        while time.perf_counter_ns() < self.state.stop_ns:
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
    poller = Poller()
    part = HeldUp(RunState(Access("ws://127.0.0.1:9/", "secret"), Script("late"), SHORT, poller))
    playing = threading.Thread(target=_play, args=(part, time.perf_counter_ns(), theirs))
    playing.start()
    topic, said = ours.recv()
    while topic != "said":
        topic, said = ours.recv()
    ours.send(said)
    playing.join()
    poller.close()
    assert [one.sent for one in said] == [1]


def test_a_pump_knows_of_callbacks_that_are_due() -> None:
    poller, called = Poller(), list[int]()
    assert not poller.overdue
    poller.call_at(time.perf_counter_ns() + SECOND_NS * 1000, lambda: called.append(2))
    assert not poller.overdue
    poller.call_at(time.perf_counter_ns(), lambda: called.append(1))
    assert poller.overdue
    poller.run(lambda: not poller.overdue)
    assert called == [1]
    poller.close()
