import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.rates import Abuse, Meter, Meters, Rate, retry_after_ms

RATES = st.builds(
    Rate.per_second, st.sampled_from([0.5, 1, 3, 5, 7, 20, 1000]), st.integers(min_value=1, max_value=60)
)
GAPS = st.lists(st.integers(min_value=0, max_value=3000), max_size=60)  # milliseconds between requests


class Bucket:
    """The same rule in its other form: tokens that come back with time."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.tokens = float(rate.burst)
        self.at = 0.0

    def takes(self, now: float) -> bool:
        self.tokens = min(self.rate.burst, self.tokens + (now - self.at) / self.rate.interval_s)
        self.at = now
        if self.tokens < 1 - 1e-6:
            return False
        self.tokens -= 1
        return True


@given(RATES, GAPS)
def test_a_meter_allows_what_a_token_bucket_allows(rate, gaps):
    meter, bucket, now = Meter(rate), Bucket(rate), 0
    for gap in gaps:
        now += gap
        assert (meter.wait_s(now / 1000) == 0) == bucket.takes(now / 1000)


@given(RATES, GAPS)
def test_waiting_as_long_as_told_is_enough_and_a_millisecond_less_is_not(rate, gaps):
    meter, now = Meter(rate), 0
    for gap in gaps:
        now += gap
        wait = meter.wait_s(now / 1000)
        if wait:
            told = retry_after_ms(wait)
            assert Meter(rate, meter.full_at).wait_s((now + told - 1) / 1000) > 0
            assert Meter(rate, meter.full_at).wait_s((now + told) / 1000) == 0


@given(RATES)
def test_a_fresh_meter_allows_its_burst_and_no_more(rate):
    meter = Meter(rate)
    assert [meter.wait_s(100.0) for _ in range(rate.burst)] == [0.0] * rate.burst
    assert meter.wait_s(100.0) > 0


@given(RATES)
def test_a_refusal_costs_nothing(rate):
    meter = Meter(rate)
    for _ in range(rate.burst):
        meter.wait_s(0.0)
    assert meter.wait_s(0.0) == meter.wait_s(0.0) == pytest.approx(rate.interval_s)


def test_a_rate_per_minute_allows_a_minutes_worth_at_once():
    assert Rate.per_minute(10) == Rate(6.0, 10)


def test_a_fraction_per_minute_still_allows_one():
    assert Rate.per_minute(0.5) == Rate(120.0, 1)


@pytest.mark.parametrize(("wait", "told"), [(0.0001, 1), (0.001, 1), (0.0011, 2), (0.2, 200), (2.5, 2500)])
def test_milliseconds_are_rounded_up(wait, told):
    assert retry_after_ms(wait) == told


def test_meters_of_two_keys_do_not_touch():
    meters = Meters(Rate(1.0, 1))
    assert meters.wait_s("ann", 0.0) == 0
    assert meters.wait_s("bob", 0.0) == 0
    assert meters.wait_s("ann", 0.0) == 1.0


def test_the_key_not_used_for_longest_is_forgotten_first():
    meters = Meters(Rate(1000.0, 1), keys_max=2)
    for key in ("ann", "bob", "ann", "cat"):  # ann was used again: bob goes
        meters.wait_s(key, 0.0)
    assert meters.wait_s("ann", 0.0) > 0
    assert meters.wait_s("bob", 0.0) == 0


def test_refusals_count_within_their_window():
    abuse = Abuse()
    for now in (0.0, 30.0, 60.0):
        abuse.refused(now, 0.0, 60.0)
    assert abuse.count == 3
    abuse.refused(60.5, 0.0, 60.0)
    assert abuse.count == 1


def test_coming_back_too_early_is_ignoring():
    abuse = Abuse()
    abuse.refused(10.0, 2.0, 60.0)
    abuse.refused(11.9, 2.0, 60.0)
    assert abuse.ignored == 1


def test_coming_back_in_time_is_not_ignoring():
    abuse = Abuse()
    abuse.refused(10.0, 2.0, 60.0)
    abuse.refused(12.0, 2.0, 60.0)
    assert abuse.ignored == 0


def test_several_requests_of_one_frame_ignore_nothing():
    abuse = Abuse()
    for _ in range(64):
        abuse.refused(10.0, 2.0, 60.0)
    assert abuse.ignored == 0
