import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatd.core.rates import (
    RETRY_MAX_S,
    TOLERANCE_S,
    Abuse,
    Rate,
    TokenBucket,
    TokenBuckets,
    retry_after_ms,
    take,
)

RATES = st.builds(
    Rate.per_second, st.sampled_from([0.5, 1, 3, 5, 7, 20, 200]), st.integers(min_value=1, max_value=60)
)
GAPS = st.lists(st.integers(min_value=0, max_value=3000), max_size=60)  # milliseconds between requests


def wait_s(bucket, now):
    """Seconds until one more is allowed; 0 took it."""
    return take([("model", bucket)], now)[0]


def test_many_at_once_wait_until_all_of_them_have_room():
    bucket = TokenBucket(Rate.per_day(100))
    assert (bucket.rate.interval_s, bucket.rate.burst) == (864.0, 100)
    assert bucket.wait_s(0, 100) == 0
    bucket.charge(0, 98)
    assert [bucket.wait_s(0, count) for count in (1, 2, 3, 100)] == [0, 0, 864, 98 * 864]
    assert bucket.wait_s(864, 3) == 0


class Bucket:
    """The same rule in its other form: tokens that come back with time."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.tokens = float(rate.burst)
        self.at = 0.0

    def takes(self, now: float) -> bool:
        self.tokens = min(self.rate.burst, self.tokens + (now - self.at) / self.rate.interval_s)
        self.at = now
        if self.tokens < 1 - (TOLERANCE_S) / self.rate.interval_s:
            return False
        self.tokens -= 1
        return True


@given(RATES, GAPS)
@example(Rate.per_second(5, 1), [36, 199])
def test_a_meter_allows_what_a_token_bucket_allows(rate, gaps):
    bucket, model, now = TokenBucket(rate), Bucket(rate), 0
    for gap in gaps:
        now += gap
        assert (wait_s(bucket, now / 1000) == 0) == model.takes(now / 1000)


@given(RATES, GAPS)
def test_the_first_refusal_tells_the_millisecond_in_which_there_is_room(rate, gaps):
    bucket, now = TokenBucket(rate), 0
    for gap in gaps:
        now += gap
        wait = wait_s(TokenBucket(rate, bucket.full_at), now / 1000)
        if wait:
            told = retry_after_ms(wait)
            assert TokenBucket(rate, bucket.full_at).lacks((now + told - 2) / 1000)
            early = told - 0.999  # the timer of a client counts whole milliseconds from one that has begun
            assert not TokenBucket(rate, bucket.full_at).lacks((now + early) / 1000)
        else:
            bucket.take(now / 1000)


@given(RATES, st.integers(min_value=1, max_value=60))
def test_of_many_refused_at_once_each_finds_room_when_it_was_told(rate, count):
    bucket = TokenBucket(rate)
    waits = [wait_s(bucket, 100.0) for _ in range(rate.burst + count)]
    told = [retry_after_ms(wait) / 1000 for wait in waits if wait]
    assert len(told) == count
    again = [wait_s(bucket, 100.0 + wait) for wait in told if wait < RETRY_MAX_S]
    assert again == [0.0] * len(again)


@given(RATES, st.integers(min_value=1, max_value=60))
def test_of_many_refused_at_once_none_could_have_come_sooner(rate, count):
    bucket = TokenBucket(rate)
    told = [wait for wait in (wait_s(bucket, 100.0) for _ in range(rate.burst + count)) if wait]
    rounded_s = 0.001 * count  # each to a whole millisecond
    assert told == pytest.approx(
        [min(rate.interval_s * n, RETRY_MAX_S) for n in range(1, count + 1)], abs=rounded_s
    )


def test_a_bucket_that_refills_more_slowly_than_the_longest_wait_says_so():
    bucket = TokenBucket(Rate(100.0, 1))
    assert [wait_s(bucket, 0.0) for _ in range(3)] == [0.0, 100.0, 100.0]


@given(RATES)
def test_a_fresh_meter_allows_its_burst_and_no_more(rate):
    bucket = TokenBucket(rate)
    assert [wait_s(bucket, 100.0) for _ in range(rate.burst)] == [0.0] * rate.burst
    assert wait_s(bucket, 100.0) > 0


def test_whom_one_bucket_refuses_takes_nothing_of_another():
    wide, narrow = TokenBucket(Rate(1.0, 2)), TokenBucket(Rate(3.0, 1))
    both = [("wide", wide), ("narrow", narrow)]
    assert take(both, 100.0) == (0.0, "")
    assert [take(both, 100.0) for _ in range(2)] == [(3.0, "narrow"), (6.0, "narrow")]
    assert not wide.lacks(100.0)


def test_whom_two_buckets_refuse_is_told_the_longer_wait():
    both = [("slow", TokenBucket(Rate(3.0, 1))), ("quick", TokenBucket(Rate(1.0, 1)))]
    take(both, 100.0)
    assert take(both, 100.0) == (3.0, "slow")


def test_a_rate_per_minute_allows_a_minutes_worth_at_once():
    assert Rate.per_minute(10) == Rate(6.0, 10)


def test_a_fraction_per_minute_still_allows_one():
    assert Rate.per_minute(0.5) == Rate(120.0, 1)


@pytest.mark.parametrize(("wait", "told"), [(0.0001, 1), (0.001, 1), (0.0011, 2), (0.2, 200), (2.5, 2500)])
def test_milliseconds_are_rounded_up(wait, told):
    assert retry_after_ms(wait) == told


def test_meters_of_two_keys_do_not_touch():
    buckets = TokenBuckets(Rate(1.0, 1))
    assert wait_s(buckets["ann"], 0.0) == 0
    assert wait_s(buckets["bob"], 0.0) == 0
    assert wait_s(buckets["ann"], 0.0) == 1.0


def test_nobody_flushes_a_used_up_bucket_by_using_many_others():
    buckets = TokenBuckets(Rate(60.0, 3), keys_max=100)
    for _ in range(3):
        buckets["ann"].take(0.0)
    for number in range(10_000):
        buckets[f"invented {number}"].take(0.001 * number)
    assert buckets["ann"].lacks(10.0)
    assert len(buckets._buckets) <= 100


def test_a_bucket_that_is_full_again_goes_before_one_that_is_not():
    buckets = TokenBuckets(Rate(10.0, 1), keys_max=2)
    buckets["ann"].take(0.0)
    buckets["bob"].take(15.0)  # ann's is full since 10
    buckets["cat"].take(15.0)
    assert buckets["bob"].lacks(16.0)


def abused(*refusals):
    """Count refusals (time, wait asked for) with a grace of 2 s and a window of 60 s."""
    abuse = Abuse()
    for now, wait in refusals:
        abuse.refused(now, wait, 2.0, 60.0)
    return abuse.count


def test_what_may_have_been_under_way_is_no_abuse():
    assert abused((10.0, 30.0), *((10.0 + n / 100, 30.0) for n in range(1, 201))) == 0


def test_what_comes_later_and_too_early_is_abuse():
    assert abused((10.0, 30.0), (12.1, 30.0), (12.2, 30.0)) == 2


def test_several_requests_of_one_frame_count_once():
    assert abused((10.0, 30.0), *[(12.1, 30.0)] * 64) == 1


def test_each_wait_that_is_over_excuses_one_frame():
    assert abused((10.0, 5.0), (10.1, 30.0), (15.0, 30.0)) == 0
    assert abused((10.0, 5.0), (10.1, 30.0), (15.0, 30.0), (15.1, 30.0)) == 1


def test_when_every_wait_is_over_what_may_have_been_under_way_counts_anew():
    assert abused((10.0, 30.0), (12.1, 5.0), (40.1, 1.0), (40.2, 1.0)) == 1


def test_abuse_counts_within_its_window():
    abuse = Abuse()
    for now in (0.0, 10.0, 30.0, 60.0, 71.0):
        abuse.refused(now, 100.0, 2.0, 60.0)
    assert abuse.count == 1
