"""One receiver's view of a room: dense, in order, and as it was written."""

from __future__ import annotations

import pytest

from bench.checks import Tally
from bench.client.subscriber import SequenceChecker
from bench.engine.record import MessageId, Script
from bench.wire import Packet

SCRIPT = Script("run0", seed=3)


def event(seq: int, author: int, number: int) -> Packet:
    letter = MessageId(author, number, 5_000_000, 6_000_000)
    return {
        "seq": seq,
        "kind": "message",
        "user": SCRIPT.user(author),
        "key": SCRIPT.key(letter),
        "body": {"text": SCRIPT.text(author, number)},
    }


def witness() -> tuple[SequenceChecker, Tally]:
    tally = Tally()
    return SequenceChecker(SCRIPT, tally, "ann"), tally


def test_a_key_holds_the_whole_letter_and_fits_the_protocol() -> None:
    letter = MessageId(70_000, 1_000_000, 123_456_789_000, 123_456_999_000)
    assert SCRIPT.message(SCRIPT.key(letter)) == letter
    assert len(SCRIPT.key(letter)) <= 36


@pytest.mark.parametrize("key", ["", "run1" + "0" * 29, "run0-create", "x" * 40])
def test_other_keys_are_nobodys(key: str) -> None:
    assert SCRIPT.message(key) is None


def test_a_late_generator_is_told_as_late_as_a_key_can_say() -> None:
    letter = SCRIPT.message(SCRIPT.key(MessageId(0, 0, 0, 60_000_000_000)))
    assert letter is not None
    assert 16e9 < letter.sent_ns < 17e9


def test_what_comes_in_order_is_clean_and_counted() -> None:
    seen, tally = witness()
    letters = [seen.event(event(1, 0, 0)), seen.event(event(2, 1, 0)), seen.event(event(3, 0, 1))]
    assert [letter.author for letter in letters if letter] == [0, 1, 0]
    assert (seen.applied, seen.heard(), tally.clean) == (3, {0: 2, 1: 1}, True)


def test_an_ack_stands_where_the_event_would_have_been() -> None:
    seen, tally = witness()
    seen.own(1, MessageId(0, 0, 0, 0))
    seen.event(event(2, 1, 0))
    assert tally.clean
    assert seen.heard() == {0: 1, 1: 1}


def test_events_that_are_no_messages_only_take_their_place() -> None:
    seen, tally = witness()
    assert seen.event({"seq": 1, "kind": "joined", "user": "bob"}) is None
    assert (seen.applied, seen.heard(), tally.clean) == (1, {}, True)


@pytest.mark.parametrize(
    ("events", "counter"),
    [
        ([(1, 0, 0), (1, 0, 0)], "duplicated"),
        ([(1, 0, 0), (2, 0, 0)], "duplicated"),
        ([(2, 0, 1), (1, 0, 0)], "reordered"),
        ([(1, 0, 1), (2, 0, 0)], "reordered"),
    ],
)
def test_what_comes_again_or_late_is_a_fault(events: list[tuple[int, int, int]], counter: str) -> None:
    seen, tally = witness()
    for one in events:
        seen.event(event(*one))
    assert tally.counts()[counter] > 0


def test_another_text_or_author_is_a_fault() -> None:
    seen, tally = witness()
    seen.event(event(1, 0, 0) | {"body": {"text": "lies"}})
    seen.event(event(2, 0, 1) | {"user": SCRIPT.user(1)})
    assert tally.altered == 2


def test_a_gap_is_not_heard_until_it_is_repaired() -> None:
    seen, tally = witness()
    seen.event(event(1, 0, 0))
    seen.event(event(3, 0, 2))
    assert (seen.gap, seen.heard()) == (2, {0: 2})
    assert seen.event(event(2, 0, 1), repaired=True) is not None
    assert seen.event(event(3, 0, 2), repaired=True) is None
    assert (seen.gap, seen.heard(), tally.clean) == (0, {0: 3}, True)
