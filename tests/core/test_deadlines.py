import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.deadlines import Deadlines

TIMES = st.floats(min_value=0, max_value=1000)


def deadlines(**times):
    return Deadlines(**{"received": 100.0, "quiet_until": 0.0, "interval": 30.0, "answer": 15.0, **times})


@given(TIMES, TIMES)
def test_the_quieter_direction_decides_when_to_ping(received, sent):
    assert deadlines(received=received).due(sent) == (min(received, sent) + 30.0, "ping")


def test_an_unanswered_ping_is_the_end_after_the_time_to_answer():
    assert deadlines(pinged=130.0).due(100.0) == (145.0, "idle")


def test_any_frame_answers_a_ping():
    one = deadlines(pinged=130.0)
    one.on_received(133.0)
    assert one.due(130.0) == (160.0, "ping")


def test_silence_that_is_excused_counts_in_neither_direction():
    one = deadlines(pinged=130.0)
    one.excuse_silence(140.0)
    assert one.due(120.0) == (170.0, "ping")


def test_a_peer_that_only_receives_is_pinged_although_much_is_sent():
    one = deadlines()
    assert one.due(1000.0) == (130.0, "ping")


def test_a_peer_that_only_sends_is_pinged_so_that_it_receives_something():
    one = deadlines(received=1000.0)
    assert one.due(100.0) == (130.0, "ping")


@pytest.mark.parametrize(
    ("left", "lifetime", "warned"),
    [
        (3600.0, 3600.0, 60.0),  # a minute before
        (600.0, 600.0, 60.0),  # a tenth is a minute
        (300.0, 300.0, 30.0),  # a tenth before
        (100.0, 3600.0, 60.0),  # presented late: its lifetime counts, not what is left
    ],
)
def test_the_warning_comes_a_minute_or_a_tenth_of_the_lifetime_before(left, lifetime, warned):
    one = deadlines()
    one.token(100.0, left, lifetime, 30.0)
    assert one.expiring == pytest.approx(100.0 + left - warned)


def test_a_token_works_until_its_grace_is_over():
    one = deadlines(received=5000.0)
    one.token(100.0, 3600.0, 3600.0, 30.0)
    one.warned()
    assert one.due(5000.0) == (3730.0, "expired")


def test_a_fresh_token_takes_the_place_of_the_old_one():
    one = deadlines()
    one.token(100.0, 60.0, 60.0, 30.0)
    one.token(150.0, 3600.0, 3600.0, 30.0)
    assert (one.expiring, one.expired) == (3690.0, 3780.0)


def test_without_hello_the_first_thing_due_is_its_timeout():
    assert deadlines(hello=110.0).due(100.0) == (110.0, "hello_timeout")


@given(*(st.floats(min_value=0, max_value=1e6) for _ in range(6)))
def test_what_is_due_first_is_due(received, sent, expiring, expired, hello, pinged):
    one = deadlines(received=received, expiring=expiring, expired=expired, hello=hello, pinged=pinged)
    at, _ = one.due(sent)
    assert at == min(pinged + 15.0, expiring, expired, hello)
