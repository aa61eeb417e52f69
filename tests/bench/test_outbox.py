"""An author's messages leave in order, one frame at a time, and come back in order when they must."""

from __future__ import annotations

import random

from bench.outbox import BATCH_MAX, TEXT_BYTES_MAX, Outbox
from bench.trace import Message


def message(place: int, text: str = "hi") -> Message:
    return Message(place, 0.0, "r", "u", text)


def outbox_of(count: int, text: str = "hi") -> Outbox:
    outbox = Outbox()
    for place in range(count):
        outbox.put(message(place, text))
    return outbox


def places(frame: list[Message]) -> list[int]:
    return [message.place for message in frame]


def test_nothing_is_sent_while_a_frame_is_unanswered() -> None:
    outbox = outbox_of(2)
    frame = outbox.take_frame()
    outbox.put(message(2))
    assert outbox.take_frame() == []
    assert not outbox.answered(frame[0], again=False)
    assert outbox.take_frame() == []
    assert outbox.answered(frame[1], again=False)
    assert places(outbox.take_frame()) == [2]


def test_a_frame_is_bounded_in_messages_and_in_bytes() -> None:
    assert len(outbox_of(BATCH_MAX + 5).take_frame()) == BATCH_MAX
    large = outbox_of(5, "x" * (TEXT_BYTES_MAX // 2))
    assert places(large.take_frame()) == [0, 1]


def test_a_message_above_the_bytes_of_a_frame_goes_alone() -> None:
    assert places(outbox_of(2, "x" * (TEXT_BYTES_MAX + 1)).take_frame()) == [0]


def test_what_failed_comes_first_again_in_its_order() -> None:
    outbox = outbox_of(6)
    for place in range(6, 20):
        outbox.put(message(place))
    frame = outbox.take_frame()
    for item in reversed(frame):
        outbox.answered(item, again=item.place >= 2)
    assert places(outbox.take_frame()) == list(range(2, 2 + BATCH_MAX))


def test_an_event_that_turns_up_spares_sending_again() -> None:
    outbox = outbox_of(3)
    for item in outbox.take_frame():
        outbox.answered(item, again=True)
    assert outbox.doubtful
    assert outbox.found(1)
    assert not outbox.found(1)
    assert not outbox.found(9)
    assert places(outbox.take_frame()) == [0, 2]
    assert not outbox.doubtful


def test_an_event_of_a_message_that_was_never_sent_is_not_found() -> None:
    outbox = outbox_of(1)
    assert not outbox.doubtful
    assert not outbox.found(0)


def test_whatever_fails_every_message_is_answered_once_and_in_order() -> None:
    for seed in range(100):
        chance, outbox, done = random.Random(seed), outbox_of(50), []
        while frame := outbox.take_frame():
            fails_from = chance.randrange(len(frame) + 1)
            for at, item in enumerate(frame):
                outbox.answered(item, again=at >= fails_from)
            done += places(frame[:fails_from])
        assert done == list(range(50)), seed
