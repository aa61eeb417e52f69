"""The table of phases, the table of closes, the backoff."""

import re

import pytest

from chatd.client.core.states import CLOSES, TRANSITIONS, Backoff, Phase, Then, Trigger, advance, close_rule
from tests.kit import document

PAIRS = [(phase, signal) for phase in Phase for signal in Trigger]


@pytest.mark.parametrize(("phase", "signal"), PAIRS)
def test_every_pair_of_phase_and_signal_is_either_in_the_table_or_an_error(phase, signal):
    if signal in TRANSITIONS[phase]:
        assert advance(phase, signal) is TRANSITIONS[phase][signal]
    else:
        with pytest.raises(ValueError, match="cannot happen"):
            advance(phase, signal)


def test_every_phase_of_the_document_is_there_and_no_other():
    (drawing,) = (section.text for section in document.sections() if section.title == "Client side")
    drawn = set(re.findall(r"\b(?:[A-Z]{3,}_?[A-Z]+)\b", drawing)) & {phase.name for phase in Phase}
    assert drawn == {phase.name for phase in Phase}


def test_suspended_is_left_only_by_the_foreground_or_for_good():
    assert set(TRANSITIONS[Phase.SUSPENDED]) == {Trigger.RESUME, Trigger.STOP}


def test_stopped_is_left_only_by_a_start():
    assert set(TRANSITIONS[Phase.STOPPED]) == {Trigger.START}


def test_every_phase_can_be_reached_from_stopped():
    reached, open_ends = {Phase.STOPPED}, [Phase.STOPPED]
    while open_ends:
        fresh = set(TRANSITIONS[open_ends.pop()].values()) - reached
        reached |= fresh
        open_ends += fresh
    assert reached == set(Phase)


def documented_closes():
    for row in document.section("15").table(first="Code"):
        for code in re.findall(r"\d{4}", row["Code"]):
            yield int(code), row["reason"]


def test_every_documented_close_code_is_known_by_its_reason():
    private = {code: reason for code, reason in documented_closes() if code >= 4000}
    assert {code: rule.reason for code, rule in CLOSES.items() if code >= 4000} == private


@pytest.mark.parametrize(
    ("code", "then"),
    [
        (0, Then.RECONNECT),
        (1006, Then.RECONNECT),
        (1011, Then.RECONNECT),
        (3000, Then.RECONNECT),
        (4000, Then.RECONNECT),
        (4099, Then.RECONNECT),
        (4100, Then.NEW_TOKEN),
        (4101, Then.NEW_TOKEN),
        (4199, Then.NEW_TOKEN),
        (4200, Then.STOP_UNTIL_FOREGROUND),
        (4201, Then.STOP),
        (4205, Then.STOP_UNTIL_FOREGROUND),
        (4299, Then.STOP),
        (4300, Then.RECONNECT),
    ],
)
def test_close_codes_are_decided_by_row_or_range(code, then):
    assert close_rule(code).then is then


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1009, 4204])
def test_closes_that_are_our_own_fault_are_marked(code):
    assert close_rule(code).our_bug


def limits(backoff, count, cap_s=60.0):
    """The upper ends of the next delays."""
    return [backoff.delay_s(1.0, cap_s) for _ in range(count)]


def test_the_delay_is_drawn_from_a_limit_that_doubles_up_to_the_cap():
    assert limits(Backoff(1.0, 30.0), 8) == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_jitter_is_full():
    assert Backoff(1.0, 30.0).delay_s(0.0, 60.0) == 0.0


def test_retry_after_is_a_lower_bound():
    backoff = Backoff(1.0, 30.0)
    assert backoff.delay_s(0.5, 60.0, at_least_s=7.34) == 7.34
    assert backoff.delay_s(0.5, 60.0, at_least_s=0.2) == 1.0


def test_a_short_stay_in_ready_does_not_reset_the_backoff():
    backoff = Backoff(1.0, 30.0)
    limits(backoff, 3)
    backoff.ready(now=100.0)
    backoff.lost(now=129.9)
    assert backoff.delay_s(1.0, 60.0) == 8


def test_thirty_seconds_in_ready_reset_the_backoff():
    backoff = Backoff(1.0, 30.0)
    limits(backoff, 3)
    backoff.ready(now=100.0)
    backoff.lost(now=130.0)
    assert backoff.delay_s(1.0, 60.0) == 1


def test_calm_counts_only_from_the_last_ready():
    backoff = Backoff(1.0, 30.0)
    limits(backoff, 2)
    backoff.ready(now=0.0)
    backoff.lost(now=1.0)
    backoff.lost(now=100.0)
    assert backoff.delay_s(1.0, 60.0) == 4


def test_the_background_cap_is_higher():
    backoff = Backoff(1.0, 30.0)
    backoff.to_cap(900.0)
    assert backoff.delay_s(1.0, 900.0) == 900


def test_years_of_trying_do_not_overflow():
    backoff = Backoff(1.0, 30.0)
    backoff.k = 10**6
    assert backoff.delay_s(1.0, 60.0) == 60
