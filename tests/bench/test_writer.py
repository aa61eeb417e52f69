"""A person's sends survive every moment in which a connection can go."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

from bench.figures import Figures
from bench.pace import Pace
from bench.phone import LOST, Phone
from bench.reader import Reader
from bench.replica import Position
from bench.runs import Runs, Sighting
from bench.trace import Message, read
from bench.writer import Writer

LATER = {"type": "error", "code": "overloaded", "retry": "later"}


class FakePhone(Phone):
    """Keeps what is written and answers when told; once `alive` is False it answers nothing."""

    def __init__(self) -> None:
        self.written: list[Any] = []
        self.waiting: list[tuple[dict[str, Any], Callable[[dict[str, Any]], None]]] = []
        self.up = True

    @property
    def alive(self) -> bool:
        return self.up

    def numbered(self, packet: dict[str, Any], answered: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        self.waiting.append((packet, answered))
        return packet

    def write(self, content: Any) -> None:
        self.written.append(content)

    def answer(self, reply: Callable[[dict[str, Any]], dict[str, Any]]) -> list[str]:
        """Answers everything that waits; returns the texts."""
        waiting, self.waiting = self.waiting, []
        for packet, answered in waiting:
            answered(reply(packet))
        return [packet["body"]["text"] for packet, _ in waiting]

    def lose(self) -> None:
        self.up = False
        self.answer(lambda _: LOST)


class Author:
    """A writer with a trace of ten messages in one room."""

    def __init__(self) -> None:
        lines = (json.dumps({"ts": 0, "room": "r", "user": "u", "text": str(n)}) for n in range(10))
        self.pace = Pace(read(io.BytesIO("\n".join(lines).encode()), "t"), None, "run")
        self.reader = Reader("u", ["r"], Runs(self.pace.sent_at), Figures())
        self.reader.positions["r"] = Position(0)
        self.writer = Writer(self.reader, ["r"], self.pace)
        self.stored: list[str] = []

    def say(self, *places: int) -> None:
        for place in places:
            self.pace.sent = max(self.pace.sent, place + 1)
            self.pace.unanswered += 1
            self.writer.say("r", self.message(place))

    def message(self, place: int) -> Message:
        return self.pace.trace.messages[place]

    def connect(self) -> FakePhone:
        phone = FakePhone()
        self.writer.connected(phone)
        return phone

    def store(self, packet: dict[str, Any]) -> dict[str, Any]:
        """The reply of an honest server."""
        text = packet["body"]["text"]
        if text in self.stored:
            return {"type": "ok", "seq": self.stored.index(text) + 1, "duplicate": True}
        self.stored.append(text)
        return {"type": "ok", "seq": len(self.stored), "ordinal": len(self.stored), "time": 1}

    @property
    def open_places(self) -> list[int]:
        return [message.place for message in self.pace.open_messages()]


def test_one_frame_at_a_time_and_the_rest_together() -> None:
    author = Author()
    phone = author.connect()
    author.say(0, 1, 2)
    assert phone.answer(author.store) == ["0"]
    assert phone.answer(author.store) == ["1", "2"]
    assert isinstance(phone.written[0], dict)
    assert isinstance(phone.written[1], list)
    assert author.open_places == []
    assert author.reader.positions["r"].applied == 3


def test_what_is_said_offline_goes_out_on_connecting() -> None:
    author = Author()
    author.say(0, 1)
    assert author.connect().answer(author.store) == ["0", "1"]


def test_a_lost_frame_is_sent_again_with_the_same_keys_and_the_duplicate_settles_it() -> None:
    author = Author()
    first = author.connect()
    author.say(0, 1)
    key = first.written[0]["key"]
    author.store(first.written[0])
    first.lose()
    author.writer.lost()
    author.reader.positions["r"].repaired(1, 0)  # what hello would bring
    second = author.connect()
    assert [packet["key"] for packet in second.written[0]] == [key, "run-0000001"]
    second.answer(author.store)
    assert author.open_places == []
    assert author.stored == ["0", "1"]
    assert author.reader.figures.retries == 1


def test_what_is_said_between_the_loss_and_its_discovery_is_not_lost() -> None:
    author = Author()
    first = author.connect()
    first.lose()
    author.say(0)
    author.writer.lost()
    assert author.connect().answer(author.store) == ["0"]


def test_an_own_event_that_turns_up_settles_what_was_lost() -> None:
    author = Author()
    first = author.connect()
    author.say(0)
    first.lose()
    author.writer.lost()
    assert author.reader.on_own is not None
    author.reader.on_own("r", Sighting(1, 0, "u", "run-0000000", 1))
    assert author.open_places == []
    assert author.connect().written == []


def test_a_send_that_is_refused_for_good_is_counted_and_not_repeated() -> None:
    author = Author()
    phone = author.connect()
    author.say(0, 1)
    phone.answer(lambda _: {"type": "error", "code": "forbidden", "retry": "never"})
    assert author.reader.figures.tally.unacked == 1
    assert phone.answer(author.store) == ["1"]
    assert author.pace.unanswered == 0


async def test_a_send_that_is_refused_for_now_waits_and_keeps_its_place() -> None:
    author = Author()
    phone = author.connect()
    author.say(0, 1)
    phone.answer(lambda _: LATER)
    assert phone.waiting == []
    author.writer.connected(phone)
    assert phone.answer(author.store) == ["0", "1"]
