"""Many arrivals in few numbers: none is lost, and none is told as much sooner or later than it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.client.stream import Arrivals


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**11), min_size=1, max_size=20))
def test_an_arrival_is_told_within_a_128th_of_its_latency(due_ns: int, latencies: list[int]) -> None:
    first, *others = sorted(latencies)
    for latency in (first, *others):
        arrivals = Arrivals(due_ns)
        arrivals.arrived(due_ns + first)
        arrivals.arrived(due_ns + latency)
        told = [moment - due_ns for moment, receivers in arrivals.taken() for _ in range(receivers)]
        assert abs(max(told) - latency) <= latency / 128
        assert abs(min(told) - first) <= first / 128


def test_what_was_taken_is_not_counted_again() -> None:
    arrivals = Arrivals(0)
    for _ in range(3):
        arrivals.arrived(1_000_000)
    ((_, receivers),) = arrivals.taken()
    assert (receivers, arrivals.taken()) == (3, [])
    arrivals.arrived(2_000_000)
    assert [count for _, count in arrivals.taken()] == [1]
