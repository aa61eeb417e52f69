"""A polite sender keeps his schedule, whatever becomes of his connection."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from bench.engine.device import Access
from bench.engine.pump import Pump
from bench.engine.record import SECOND_NS
from bench.engine.script import Script
from bench.storm import probe as probes
from bench.storm.manners import Polite
from bench.storm.probe import Probe
from bench.storm.visit import Stage

PER_S = 500.0


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    monkeypatch.setattr(probes, "PER_S", PER_S)
    pump = Pump()
    manners = Polite(random.Random(1))
    yield Probe(Stage(pump, Access("ws://127.0.0.1:9/", "secret"), Script("prob"), manners), 0, ["hi"])
    pump.close()


def test_a_probe_that_is_not_back_has_no_schedule_yet(probe: Probe) -> None:
    probe.begin("room")
    assert (probe.from_ns, probe.said) == (0, 0)
    probe.welcome({})
    assert probe.from_ns > 0
    assert probe.said == 1


def test_what_is_due_while_he_is_away_waits_for_him_and_counts_from_when_it_was_due(probe: Probe) -> None:
    probe.begin("room")
    probe.welcome({})
    probe.stage.pump.run(lambda: probe.said >= 5)  # he has no connection
    gap_ns = int(SECOND_NS / PER_S)
    dues = [message.due_ns - probe.from_ns for message in probe._waiting]
    assert dues[:5] == [0, gap_ns, 2 * gap_ns, 3 * gap_ns, 4 * gap_ns]
    assert probe.lags.count == probe.said
    began_ns = probe.from_ns
    probe.welcome({})  # back again: the schedule is the one he had
    assert probe.from_ns == began_ns


def test_when_the_storm_is_over_nothing_more_is_due(probe: Probe) -> None:
    probe.begin("room")
    probe.welcome({})
    probe.end()
    said, pump = probe.said, probe.stage.pump
    pump.run(lambda: not pump._timers)
    assert probe.said == said
