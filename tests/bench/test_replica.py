"""Where a phone stands after pushes, acks, heads and replies in every order, and which break a rule."""

from __future__ import annotations

import random

from bench.client.replica import BUFFERED_MAX, Event, Fate, Position, Run


def sighting(seq: int) -> Event:
    return Event(seq, 1 << seq, None)


def run(first: int, last: int) -> Run:
    return Run("r", [sighting(seq) for seq in range(first, last + 1)])


def push(position: Position, *seqs: int) -> list[Fate]:
    return [position.pushed(seq, 1 << seq) for seq in seqs]


def sum_of(first: int, last: int) -> int:
    return sum(1 << seq for seq in range(first, last + 1))


def test_a_run_that_follows_is_applied_at_once() -> None:
    position = Position(3)
    assert position.run(run(4, 6))
    assert position.run(run(7, 7))
    assert (position.applied, position.head, position.identity) == (7, 7, sum_of(4, 7))


def test_a_run_that_repeats_or_skips_is_left_for_a_closer_look() -> None:
    position = Position(3)
    assert position.run(run(4, 6))
    assert not position.run(run(4, 6))
    assert not position.run(run(6, 8))
    assert not position.run(run(8, 9))
    assert (position.applied, position.identity) == (6, sum_of(4, 6))


def test_a_run_with_a_hole_fits_nowhere() -> None:
    holed = Run("r", [sighting(4), sighting(6)])
    assert holed.first == 0
    assert not Position(3).run(holed)
    assert not Position(-1).run(Run("r", [sighting(0), sighting(2)]))


def test_an_event_after_a_gap_waits_until_the_gap_is_filled() -> None:
    position = Position(0)
    assert push(position, 1, 3, 4) == [Fate.APPLIED, Fate.BUFFERED, Fate.BUFFERED]
    assert (position.applied, position.head, position.behind) == (1, 4, True)
    assert position.repaired(2, 1 << 2)
    assert (position.applied, position.identity, position.behind) == (4, sum_of(1, 4), False)


def test_the_same_event_twice_on_one_connection_is_a_duplicate() -> None:
    position = Position(0)
    assert push(position, 1, 1, 3, 3) == [Fate.APPLIED, Fate.DUPLICATE, Fate.BUFFERED, Fate.DUPLICATE]
    assert position.identity == 1 << 1


def test_an_event_behind_a_later_one_is_late_and_still_applied() -> None:
    position = Position(0)
    assert push(position, 2, 1) == [Fate.BUFFERED, Fate.LATE]
    assert (position.applied, position.identity) == (2, sum_of(1, 2))


def test_what_hello_told_may_be_pushed_once_more() -> None:
    position = Position(0)
    push(position, 1)
    position.connected()
    position.told(3)
    for seq in (2, 3):
        position.repaired(seq, 1 << seq)
    assert push(position, 2, 3, 4) == [Fate.OVERLAP, Fate.OVERLAP, Fate.APPLIED]
    assert push(position, 3) == [Fate.DUPLICATE]
    assert position.identity == sum_of(1, 4)


def test_what_hello_did_not_tell_may_not_be_pushed_again() -> None:
    position = Position(0)
    push(position, 1, 2)
    position.connected()
    assert push(position, 2) == [Fate.DUPLICATE]


def test_a_new_connection_forgets_what_waited() -> None:
    position = Position(0)
    push(position, 2)
    position.connected()
    assert not position.behind
    assert push(position, 1) == [Fate.APPLIED]
    assert position.applied == 1


def test_a_head_makes_earlier_pushes_late() -> None:
    position = Position(0)
    position.moved(5)
    assert (position.head, position.behind) == (5, True)
    assert push(position, 4, 6) == [Fate.LATE, Fate.BUFFERED]


def test_a_head_below_what_is_known_changes_nothing() -> None:
    position = Position(9)
    position.moved(5)
    assert (position.head, position.behind) == (9, False)


def test_a_buffer_that_is_full_is_dropped_and_fetched_again() -> None:
    position = Position(0)
    last = BUFFERED_MAX + 2
    push(position, *range(2, last + 1))
    for seq in range(1, last + 1):
        position.repaired(seq, 1 << seq)
    assert (position.applied, position.identity) == (last, sum_of(1, last))


def test_any_order_of_pushes_and_replies_ends_with_the_same_sum() -> None:
    for seed in range(200):
        chance, position = random.Random(seed), Position(0)
        seqs = [chance.randrange(1, 21) for _ in range(60)]
        for seq in seqs:
            (position.pushed if chance.random() < 0.5 else position.repaired)(seq, 1 << seq)
        for seq in range(1, 21):
            position.repaired(seq, 1 << seq)
        assert (position.applied, position.identity) == (20, sum_of(1, 20)), seed
