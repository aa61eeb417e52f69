"""The loop of a generator: when it sleeps, and when it may not."""

from __future__ import annotations

import select
import socket
import time
from contextlib import closing
from typing import Any

import pytest

from bench.client.poller import AWAKE_NS, IDLE_NS, Connection, Poller


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each sleep was to be, seconds."""
    seconds, really = list[float](), select.select

    def sleep(reading: Any, writing: Any, broken: Any, timeout_s: float) -> Any:
        seconds.append(timeout_s)
        return really(reading, writing, broken, timeout_s)

    monkeypatch.setattr(select, "select", sleep)
    return seconds


def due(poller: Poller, after_ns: int) -> None:
    """Runs until a timer that is set now has fired."""
    fired = list[int]()
    at_ns = time.perf_counter_ns() + after_ns
    poller.call_at(at_ns, lambda: fired.append(time.perf_counter_ns()))
    poller.run(lambda: bool(fired))
    assert fired[0] >= at_ns


def test_with_a_core_of_its_own_it_is_awake_before_something_is_due(slept: list[float]) -> None:
    with closing(Poller(wakeful=True)) as poller:
        due(poller, AWAKE_NS // 2)
        assert slept == []
        assert poller.awake_ns > 0
        due(poller, 4 * AWAKE_NS)
        assert all(0 <= seconds <= 3 * AWAKE_NS / 1e9 for seconds in slept)


def test_with_a_core_of_its_own_it_is_awake_while_an_answer_may_come(slept: list[float]) -> None:
    answers = list[int]()

    class Phone(Connection):
        def connected(self) -> None:
            self.receive = lambda _: answers.append(len(slept))

    with socket.create_server(("127.0.0.1", 0)) as listener, closing(Poller(wakeful=True)) as poller:
        phone = Phone(poller)
        phone.dial("127.0.0.1", listener.getsockname()[1])
        poller.run(lambda: phone.alive)
        there, _ = listener.accept()
        with closing(there):
            slept.clear()
            poller.call_at(time.perf_counter_ns(), lambda: there.sendall(b"."))
            poller.run(lambda: bool(answers))
    assert answers == [0]


def test_without_one_it_sleeps_until_something_is_due(slept: list[float]) -> None:
    with closing(Poller()) as poller:
        due(poller, AWAKE_NS // 2)
        assert slept
        assert poller.awake_ns == 0


def test_it_sleeps_when_nothing_has_happened_for_a_while(slept: list[float]) -> None:
    with closing(Poller(wakeful=True)) as poller:
        due(poller, IDLE_NS * 2)
    assert sum(slept) >= IDLE_NS / 1e9
