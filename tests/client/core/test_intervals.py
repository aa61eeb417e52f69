"""Cached stretches of a log against the plainest model there is: a dict from number to `valid`."""

import doctest
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatd.client.core import intervals
from chatd.client.core.intervals import Interval, Intervals


def made(*parts):
    cached = Intervals()
    for part in parts:
        cached.add(*part)
    return cached


def as_numbers(cached):
    return {seq: part.valid for part in cached for seq in range(part.low, part.high + 1)}


spans = st.tuples(st.integers(1, 30), st.integers(0, 12), st.integers(0, 40)).map(
    lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
)


@given(st.lists(spans, max_size=12))
def test_adding_keeps_the_newest_valid_of_every_number(parts):
    model = {}
    cached = Intervals()
    for low, high, valid in parts:
        cached.add(low, high, valid)
        for seq in range(low, high + 1):
            model[seq] = max(model.get(seq, -1), valid)
    assert as_numbers(cached) == model


@given(st.lists(spans, max_size=12))
def test_the_parts_are_ascending_apart_and_joined_where_they_can_be(parts):
    cached = list(made(*parts))
    for left, right in pairwise(cached):
        assert left.high < right.low
        assert left.high + 1 < right.low or left.valid != right.valid


@given(st.lists(spans, max_size=8), st.integers(0, 40))
def test_advancing_moves_what_was_current_and_grows_the_tail(parts, old):
    cached = made(*parts)
    model = {seq: old + 1 if valid == old else valid for seq, valid in as_numbers(cached).items()}
    model[old + 1] = max(model.get(old + 1, -1), old + 1)
    cached.advance(old, old + 1)
    assert as_numbers(cached) == model


@given(st.lists(spans, max_size=8), st.integers(1, 45))
def test_holding_finds_the_part_of_a_number(parts, seq):
    cached = made(*parts)
    part = cached.holding(seq)
    assert (part.valid if part else None) == as_numbers(cached).get(seq)


@given(st.lists(spans, max_size=8), st.integers(0, 45))
def test_coverage_downwards_ends_at_the_first_hole(parts, seq):
    cached = made(*parts)
    low = seq + 1
    while low - 1 in as_numbers(cached):
        low -= 1
    assert cached.covered_down_from(seq) == low


@given(st.lists(spans, max_size=8), st.integers(1, 45))
def test_forgetting_below_keeps_the_rest(parts, floor):
    cached = made(*parts)
    model = {seq: valid for seq, valid in as_numbers(cached).items() if seq >= floor}
    cached.forget_below(floor)
    assert as_numbers(cached) == model


@given(st.lists(spans, max_size=8), spans)
def test_the_first_stale_stretch_is_found_and_cut_to_the_question(parts, asked):
    cached = made(*parts)
    low, high, current = asked
    stale = {seq for seq, valid in as_numbers(cached).items() if low <= seq <= high and valid < current}
    found = cached.stale(low, high, current)
    if found is None:
        assert not stale
    else:
        assert found.low == min(stale)
        assert set(range(found.low, found.high + 1)) <= stale


def test_an_empty_stretch_is_not_kept():
    assert list(made((5, 4, 9))) == []


def test_cleared_intervals_hold_nothing():
    cached = made((1, 9, 9))
    cached.clear()
    assert (len(cached), cached.holding(3)) == (0, None)


def test_an_event_after_nothing_begins_a_stretch_of_one():
    cached = Intervals()
    cached.advance(41, 42)
    assert list(cached) == [Interval(42, 42, 42)]


def test_the_examples_in_the_documentation_are_right():
    assert doctest.testmod(intervals).failed == 0
