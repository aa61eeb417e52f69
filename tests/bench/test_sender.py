"""A sender says a thing once, however often it takes, and what it waits for is not the generator's lag."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.client.poller import Poller
from bench.client.sender import BATCH_MAX, TEXT_BYTES_MAX, Sender
from bench.client.subscriber import Author
from bench.engine.record import SECOND_NS, Script
from bench.engine.roles import Schedule
from bench.engine.run_state import Access, Pacing, RunState

PACED = Pacing(duration_s=1000.0, warmup_s=0.0, rate=1.0)


@pytest.fixture
def poller() -> Iterator[Poller]:
    turning = Poller()
    yield turning
    turning.close()


class Heard:
    """An author whose frames are kept instead of sent."""

    def __init__(self, poller: Poller) -> None:
        self.state = RunState(Access("ws://127.0.0.1:9/", "secret"), Script("auth"), PACED, poller)
        self.author = Author(self.state, 0, "room")
        self.author.alive = True
        self.frames: list[list[dict[str, Any]]] = []
        self.author.write = self._keep  # type: ignore[method-assign]

    def _keep(self, content: Any) -> None:
        self.frames.append(content if isinstance(content, list) else [content])

    def answer(self, packet: dict[str, Any], **reply: object) -> None:
        self.author.route({"type": "ok", "id": packet["id"], **reply})

    def refuse(self, packet: dict[str, Any]) -> None:
        self.answer(packet, type="error", code="rate_limited", retry="later", retry_after=1)


def test_what_is_refused_for_now_is_sent_again_with_the_same_key(poller: Poller) -> None:
    heard = Heard(poller)
    heard.author.due(0)
    heard.author.due(1)
    heard.refuse(heard.frames[0][0])
    assert not heard.author.sender.done
    poller.run(lambda: len(heard.frames) > 1)
    (first,), again = heard.frames
    assert again[0] == {**first, "id": again[0]["id"]}
    assert len(again) == 2, "what became due meanwhile goes with it"
    for seq, packet in enumerate(again, start=1):
        heard.answer(packet, seq=seq)
    assert heard.author.sender.done
    assert (heard.author.sender.said, heard.author.sender.acked) == (2, 2)
    assert heard.state.record.messages == 2, "sent again is not sent twice"
    assert heard.state.tally.clean


def test_a_wait_for_the_answer_before_is_not_the_generators(poller: Poller) -> None:
    heard = Heard(poller)
    heard.author.due(0)
    heard.author.due(1)  # waits for the answer, for as long as the machine runs
    heard.answer(heard.frames[0][0], seq=1)
    assert len(heard.frames) == 2
    assert heard.state.record.lags.count == 0


class Late:
    """Somebody who is made to write."""

    def __init__(self) -> None:
        self.dues: list[int] = []

    def begin_closed(self, in_flight: int) -> None: ...

    def due(self, due_ns: int) -> None:
        self.dues.append(due_ns)


def test_the_generator_is_late_when_it_gets_round_to_something_late(poller: Poller) -> None:
    state, late = RunState(Access("ws://127.0.0.1:9/", "secret"), Script("auth"), PACED, poller), Late()
    Schedule(state, [(0, late.due), (SECOND_NS, late.due)]).begin()  # long ago, as machines count
    poller.run(lambda: len(late.dues) == 2)
    assert late.dues == [0, SECOND_NS]
    assert state.record.lags.count == 2


class Wire:
    """A connection that keeps what is written and answers when it is told."""

    def __init__(self) -> None:
        self.alive = True
        self.frames: list[list[dict[str, Any]]] = []
        self.waiting: list[tuple[dict[str, Any], Callable[[dict[str, Any]], None]]] = []

    def numbered(self, packet: dict[str, Any], answered: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        self.waiting.append((packet, answered))
        return packet

    def write(self, content: Any) -> None:
        self.frames.append(content if isinstance(content, list) else [content])

    def answer(self, *replies: dict[str, Any]) -> None:
        """Answers the oldest, one each."""
        for reply in replies:
            self.waiting.pop(0)[1](reply)

    def keys(self, place: int = -1) -> list[str]:
        return [packet["key"] for packet in self.frames[place]]


class Said:
    """A sender with so many messages to say, and what it was told of them."""

    def __init__(self, poller: Poller, messages: int, text: str = "hi") -> None:
        self.state = RunState(Access("ws://127.0.0.1:9/", "secret"), Script("said"), PACED, poller)
        self.state.script.__dict__["_texts"] = [text] * 61
        self.acked: list[int] = []
        self.sender = Sender(
            self.state, 0, self.state.record, lambda one, *_: self.acked.append(one.id.number)
        )
        for number in range(messages):
            self.sender.put("room", number)

    def connect(self) -> Wire:
        wire = Wire()
        self.sender.connected(wire)  # type: ignore[arg-type]
        return wire


OK = {"type": "ok", "seq": 1}
LATER = {"type": "error", "code": "overloaded", "retry": "later"}
NEVER = {"type": "error", "code": "forbidden", "retry": "never"}


def test_one_frame_is_unanswered_at_most_and_is_bounded_in_messages(poller: Poller) -> None:
    said = Said(poller, BATCH_MAX + 5)
    wire = said.connect()
    assert [len(frame) for frame in wire.frames] == [BATCH_MAX]
    wire.answer(*[OK] * (BATCH_MAX - 1))
    assert len(wire.frames) == 1
    wire.answer(OK)
    assert [len(frame) for frame in wire.frames] == [BATCH_MAX, 5]


def test_a_frame_is_bounded_in_bytes_and_a_longer_message_goes_alone(poller: Poller) -> None:
    assert len(Said(poller, 5, "x" * (TEXT_BYTES_MAX // 2)).connect().frames[0]) == 2
    assert len(Said(poller, 2, "x" * (TEXT_BYTES_MAX + 1)).connect().frames[0]) == 1


def test_what_is_in_doubt_after_a_loss_goes_out_first_with_the_same_keys(poller: Poller) -> None:
    said = Said(poller, 3)
    first = said.connect()
    first.answer(OK)
    said.sender.lost()
    said.sender.put("room", 3)  # said while there is no connection
    said.sender.flush()
    second = said.connect()
    assert second.keys()[:2] == first.keys()[1:]
    assert len(second.keys()) == 3
    assert said.sender.sent_again == 2
    second.answer(OK, OK, OK)
    assert said.acked == [0, 1, 2, 3]
    assert said.sender.done


def test_what_is_refused_for_good_is_not_repeated(poller: Poller) -> None:
    said = Said(poller, 2)
    wire = said.connect()
    wire.answer(NEVER, OK)
    assert said.sender.done
    assert (said.sender.refused, said.acked, len(wire.frames)) == (1, [1], 1)
    assert said.state.answered == 2


def test_whatever_fails_every_message_is_acknowledged_once_and_in_order(poller: Poller) -> None:
    for seed in range(50):
        chance, said = random.Random(seed), Said(poller, 50)
        wire = said.connect()
        while not said.sender.done:
            fails_from = chance.randrange(len(wire.waiting) + 1)
            wire.answer(*[OK] * fails_from)
            if wire.waiting and chance.random() < 0.5:
                wire.answer(*[LATER] * len(wire.waiting))
            said.sender.lost()
            wire = said.connect()
        assert said.acked == list(range(50)), seed
