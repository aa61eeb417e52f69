"""Every fault that a log or a replica can have is counted under its name, and a good one under none."""

from __future__ import annotations

import pytest

from bench.checks import (
    COUNTERS,
    Entry,
    LogBook,
    Said,
    Tally,
    check_dense,
    check_log,
    check_replica,
    deliveries,
)
from bench.client.replica import Fate, Position

TRACE = [Said("k1", "ann", "hi"), Said("k2", "bob", "ho"), Said("k3", "ann", "ha"), Said("k4", "ann", "he")]
JOINED = Entry(1, 1 << 1, None)


def log_of(*said: Said) -> list[Entry]:
    return [JOINED, *(Entry(seq, 1 << seq, text) for seq, text in enumerate(said, start=2))]


def replica(start: int, applied: int, *, identity: int | None = None) -> Position:
    position = Position(start)
    for seq in range(start + 1, applied + 1):
        position.pushed(seq, 1 << seq if identity is None else identity)
    return position


def counted(tally: Tally) -> dict[str, int]:
    return {name: count for name, count in tally.counts().items() if count}


def logged(*said: Said) -> dict[str, int]:
    """The faults of this log, when all of the trace was acknowledged at its place."""
    tally = Tally()
    acked = {one.key: place for place, one in enumerate(TRACE, start=2)}
    written = {one.key: (number, one) for number, one in enumerate(TRACE)}
    check_log(LogBook("r", log_of(*said)), acked, written.get, tally)
    return counted(tally)


def test_the_trace_itself_is_clean() -> None:
    assert logged(*TRACE) == {}


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        (TRACE[:3], {"lost": 1}),
        ([], {"lost": 4}),
        ([*TRACE, TRACE[1]], {"duplicated": 1}),
        ([TRACE[0], TRACE[1], TRACE[3], TRACE[2]], {"reordered": 1, "altered": 2}),
        ([TRACE[1], TRACE[0], *TRACE[2:]], {"altered": 2}),
        ([*TRACE, Said("k9", "eve", "psst")], {"misrouted": 1}),
        ([Said("k1", "ann", "HI"), *TRACE[1:]], {"altered": 1}),
        ([Said("k1", "bob", "hi"), *TRACE[1:]], {"altered": 1}),
    ],
)
def test_a_log_unlike_what_was_acknowledged_is_counted(said: list[Said], faults: dict[str, int]) -> None:
    assert logged(*said) == faults


def test_what_was_never_acknowledged_may_be_in_the_log_or_not() -> None:
    written = {one.key: (number, one) for number, one in enumerate(TRACE)}
    for said in (TRACE, []):
        tally = Tally()
        check_log(LogBook("r", log_of(*said)), {}, written.get, tally)
        assert tally.clean


@pytest.mark.parametrize(
    ("seqs", "faults"),
    [
        ([1, 2, 3], {}),
        ([], {}),
        ([1, 3, 4], {"lost": 1}),
        ([1, 2, 2], {"duplicated": 1}),
        ([2, 1, 3], {"reordered": 1}),
    ],
)
def test_a_log_must_have_every_place_once_and_in_order(seqs: list[int], faults: dict[str, int]) -> None:
    tally = Tally()
    book = LogBook("r", [Entry(seq, 0, None) for seq in seqs])
    assert check_dense(book, tally) == (not faults)
    assert counted(tally) == faults


@pytest.mark.parametrize(
    ("position", "faults"),
    [
        (replica(0, 5), {}),
        (replica(3, 5), {}),
        (replica(0, 3), {"lost": 2}),
        (replica(0, 6), {"altered": 1}),
        (replica(0, 5, identity=7), {"altered": 1}),
        (replica(0, 3, identity=7), {"lost": 2, "altered": 1}),
    ],
)
def test_a_replica_must_hold_what_the_log_holds(position: Position, faults: dict[str, int]) -> None:
    tally = Tally()
    check_replica("ann", position, LogBook("r", log_of(*TRACE)), tally)
    assert counted(tally) == faults


def test_deliveries_count_what_reached_others() -> None:
    book = LogBook("r", log_of(*TRACE))
    everything = {"ann": replica(0, 5), "bob": replica(0, 5), "eve": replica(0, 5)}
    assert deliveries(everything, book) == 1 + 3 + 4
    assert deliveries({"ann": replica(0, 3), "eve": replica(2, 4)}, book) == 1 + 2


def test_live_faults_are_counted_by_kind() -> None:
    tally = Tally()
    for fate in Fate:
        tally.live(fate, "r 1 to ann")
    assert counted(tally) == {"duplicated": 1, "reordered": 1}
    assert not tally.clean
    assert Tally().clean


def test_examples_are_bounded_and_counts_are_not() -> None:
    tally = Tally()
    for number in range(100):
        tally.add("lost", f"message {number}", 2)
    assert tally.lost == 200
    assert tally.examples[:2] == ["lost: message 0", "lost: message 1"]
    assert len(tally.examples) == 20


def test_the_counters_are_those_of_a_report() -> None:
    assert tuple(Tally().counts()) == COUNTERS
