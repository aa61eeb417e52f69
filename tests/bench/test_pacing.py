"""Schedules are fixed by their seed, ascending, and as dense as the rate says."""

from __future__ import annotations

import doctest

import pytest

from bench.engine import roles
from bench.engine.roles import ARRIVALS


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(roles).failed == 0


@pytest.mark.parametrize("arrival", ARRIVALS)
def test_a_schedule_is_ascending_and_the_same_for_the_same_seed(arrival: str) -> None:
    times = ARRIVALS[arrival](500.0, 4.0, 3)
    assert times == sorted(times) == ARRIVALS[arrival](500.0, 4.0, 3)
    assert 1_800 < len(times) < 2_200
    assert times[0] >= 0
    assert times[-1] < 4_000_000_000


def test_independent_people_come_at_other_times_with_another_seed() -> None:
    assert ARRIVALS["poisson"](100.0, 1.0, 1) != ARRIVALS["poisson"](100.0, 1.0, 2)
