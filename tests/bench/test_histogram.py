"""Percentiles against sorted lists, merging against recording together, and the ends of the range."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.histogram import LARGEST_BITS, Histogram

PERCENTS = (0, 1, 50, 90, 99, 99.9, 100)
durations = st.lists(st.integers(min_value=0, max_value=2**46), min_size=1, max_size=200)


def true_percentile(values: list[int], percent: float) -> int:
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


@given(durations)
def test_a_percentile_is_never_below_the_true_one_and_at_most_a_128th_above(values: list[int]) -> None:
    histogram = Histogram.of(values)
    for percent in PERCENTS:
        true = true_percentile(values, percent)
        assert true <= histogram.percentile(percent) <= true + true // 128


@given(durations, durations)
def test_merging_equals_recording_together(left: list[int], right: list[int]) -> None:
    merged, together = Histogram.of(left), Histogram.of(left + right)
    merged.merge(Histogram.of(right))
    assert merged.sparse() == together.sparse()
    assert (merged.count, merged.smallest, merged.largest) == (
        together.count,
        together.smallest,
        together.largest,
    )


def test_merging_an_empty_one_changes_nothing_and_into_an_empty_one_copies() -> None:
    full, empty = Histogram.of([5, 7]), Histogram()
    full.merge(Histogram())
    empty.merge(full)
    assert (full.count, full.smallest, full.largest) == (2, 5, 7)
    assert (empty.count, empty.smallest, empty.largest) == (2, 5, 7)


def test_the_largest_is_exact_and_small_durations_are_exact() -> None:
    values = [random.Random(1).randrange(10**9) for _ in range(1000)]
    assert Histogram.of(values).percentile(100) == max(values)
    assert [Histogram.of([value]).percentile(50) for value in range(256)] == list(range(256))


def test_recording_times_equals_recording_again() -> None:
    once, thrice = Histogram(), Histogram()
    once.record(12_345, 3)
    for _ in range(3):
        thrice.record(12_345)
    assert once.sparse() == thrice.sparse()
    assert once.count == thrice.count == 3


@pytest.mark.parametrize("duration_ns", [2**LARGEST_BITS - 1, 2**LARGEST_BITS, 2**60])
def test_durations_beyond_the_range_are_counted_in_the_last_slot(duration_ns: int) -> None:
    histogram = Histogram.of([duration_ns])
    assert histogram.count == 1
    assert histogram.largest == duration_ns
    assert histogram.percentile(50) == 2**LARGEST_BITS - 1


def test_a_negative_duration_counts_as_zero() -> None:
    histogram = Histogram.of([-5, 10])
    assert histogram.smallest == 0
    assert histogram.percentile(50) == 0


def test_an_empty_histogram_has_zeros() -> None:
    assert Histogram().milliseconds() == {"count": 0, "p50": 0, "p90": 0, "p99": 0, "p99_9": 0, "max": 0}


def test_milliseconds_are_what_they_say() -> None:
    assert Histogram.of([2_000_000] * 10).milliseconds()["max"] == 2.0


@given(durations)
def test_sparse_slots_can_be_read_back(values: list[int]) -> None:
    histogram = Histogram.of(values)
    again = Histogram.from_sparse(histogram.sparse())
    assert again.sparse() == histogram.sparse()
    assert again.percentile(99) >= histogram.percentile(99)
