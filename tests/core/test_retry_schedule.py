from hypothesis import given
from hypothesis import strategies as st

from chatd.core.retry_schedule import FAR_S, FIRST_PER_S, LEAST_PER_S, SOON_S, RetrySchedule


def measured(per_s: float, seconds: float = 4.0) -> RetrySchedule:
    """A pace after something was served at this rate for a while, ending at time 0."""
    retry_schedule = RetrySchedule()
    for number in range(int(seconds * per_s) + 1):
        retry_schedule.served(number / per_s - seconds)
    return retry_schedule


@given(st.integers(20, 5000))
def test_the_rate_is_that_of_what_was_served_while_others_waited(per_s):
    assert abs(measured(per_s).per_s - per_s) < 0.1 * per_s


def test_a_rest_is_not_measured():
    retry_schedule = measured(100)
    before = retry_schedule.per_s
    retry_schedule.rest()
    retry_schedule.served(1000.0)
    assert retry_schedule.per_s == before


def test_a_standstill_is_no_rate():
    retry_schedule = RetrySchedule()
    retry_schedule.served(0.0)
    for hour in range(1, 20):
        retry_schedule.served(3600.0 * hour)
    assert retry_schedule.per_s == LEAST_PER_S


def test_before_anything_was_measured_a_rate_is_assumed():
    assert RetrySchedule().per_s == FIRST_PER_S


@given(st.integers(20, 5000), st.lists(st.floats(0, 0.999), min_size=2, max_size=300))
def test_every_client_gets_a_time_of_its_own_at_the_rate_of_service(per_s, chances):
    retry_schedule = measured(per_s)
    moments = [retry_schedule.book(0.0, chance) for chance in chances]
    near = [moment for moment in moments if moment < FAR_S / 2]
    assert min(moments) >= SOON_S
    assert near == sorted(near)
    slots = [int((moment - SOON_S) * retry_schedule.per_s + 1e-6) for moment in near]
    assert len(set(slots)) == len(slots)


def test_nobody_is_sent_away_for_longer_than_a_measurement_is_good_for():
    retry_schedule = measured(20)
    moments = [retry_schedule.book(0.0, 0.5) for _ in range(5000)]
    assert max(moments) <= FAR_S


def test_moments_that_have_passed_are_not_given_away():
    retry_schedule = measured(100)
    for _ in range(100):
        retry_schedule.book(0.0, 0.0)
    assert retry_schedule.book(50.0, 0.0) == SOON_S
