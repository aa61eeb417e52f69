from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.telemetry.counters import SECONDS, SIZES, Counters, Histogram


@pytest.mark.parametrize("bounds", [SECONDS, SIZES])
def test_bounds_go_up(bounds):
    assert list(bounds) == sorted(set(bounds))


@given(st.lists(st.floats(min_value=0, max_value=100)))
def test_a_value_is_in_the_first_bucket_that_holds_it(values):
    histogram = Histogram([1.0, 5.0, 10.0])
    for value in values:
        histogram.observe(value)
    edges = [-1.0, 1.0, 5.0, 10.0, float("inf")]
    expected = [sum(low < v <= high for v in values) for low, high in pairwise(edges)]
    assert histogram.counts == expected
    assert (histogram.count, histogram.total) == (len(values), pytest.approx(sum(values)))


def test_words_are_counted_without_being_announced():
    counters = Counters()
    counters.errors["gone"] += 1
    counters.connections_closed[1006] += 2
    assert (counters.errors, counters.connections_closed) == ({"gone": 1}, {1006: 2})


def test_two_daemons_count_apart():
    one, other = Counters(), Counters()
    one.errors["gone"] += 1
    one.batch_size.observe(1)
    assert (other.errors, other.batch_size.count) == ({}, 0)
