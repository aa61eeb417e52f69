"""The times at which a link is probed and given up."""

import pytest

from chatd.client.core.deadlines import Deadlines, Verdict
from chatd.client.core.timing import Timing


@pytest.fixture
def deadlines():
    return Deadlines(Timing(), heartbeat_s=30.0, now=100.0)


def test_silence_beyond_heartbeat_and_grace_is_the_end(deadlines):
    assert deadlines.next_at(None) == 145.0
    assert deadlines.verdict(144.9, None) is Verdict.WAIT
    assert deadlines.verdict(145.0, None) is Verdict.SILENT


def test_a_frame_puts_the_end_off(deadlines):
    deadlines.heard(120.0)
    assert (deadlines.next_at(None), deadlines.silent_s(125.0)) == (165.0, 5.0)


def test_a_request_unanswered_for_ten_seconds_asks_for_a_probe(deadlines):
    assert deadlines.next_at(103.0) == 113.0
    assert deadlines.verdict(112.9, 103.0) is Verdict.WAIT
    assert deadlines.verdict(113.0, 103.0) is Verdict.PROBE


def test_a_probe_unanswered_for_five_seconds_is_the_end(deadlines):
    assert deadlines.probe(113.0)
    assert deadlines.next_at(103.0) == 118.0
    assert deadlines.verdict(117.9, 103.0) is Verdict.WAIT
    assert deadlines.verdict(118.0, 103.0) is Verdict.NO_ANSWER


def test_an_answered_probe_ends_the_alarm_and_the_next_comes_five_seconds_later(deadlines):
    deadlines.probe(113.0)
    deadlines.answered()
    assert deadlines.verdict(118.0, None) is Verdict.WAIT
    assert not deadlines.probe(117.9)
    assert deadlines.next_at(103.0) == 118.0
    assert deadlines.probe(118.0)


def test_only_one_probe_is_under_way(deadlines):
    assert deadlines.probe(113.0)
    assert not deadlines.probe(200.0)


def test_the_earliest_deadline_counts(deadlines):
    assert deadlines.next_at(140.0) == 145.0
