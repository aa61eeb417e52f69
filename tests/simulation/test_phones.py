"""Phones of the simulation keep the rules of clients where no run is sure to show it."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.simulation.history import Conversation, Packet
from tests.simulation.line import Line
from tests.simulation.loop import SimLoop
from tests.simulation.phones import Phone
from tests.simulation.streets import Quirks, Streets
from tests.simulation.tape import Tape

NOT_NOW = {"type": "error", "id": 2, "code": "internal", "retry": "later", "retry_after": 5000}


class OpenLine:
    """A connection on which nobody answers."""

    ready = True
    unanswered = 0
    open_keys: frozenset[str] = frozenset()
    said = Conversation("phone a", "user0", "d", False, 0.0, {}, 0.0)

    def __init__(self) -> None:
        self.asked: list[Packet] = []

    def ask(self, packet: Packet) -> None:
        self.asked.append(packet)


class QuietStreets:
    def __init__(self) -> None:
        self.loop = SimLoop(Tape(lanes={}).lane("order"))


@pytest.fixture
def phone() -> Iterator[Phone]:
    tape, streets = Tape(lanes={}), QuietStreets()
    yield Phone(cast(Streets, streets), "phone a", "user0", tape.lane("a"), tape.lane("air"), Quirks())
    streets.loop.close()


def pass_time(phone: Phone, seconds: float) -> None:
    phone.streets.loop.run_until_complete(asyncio.sleep(seconds))


@pytest.mark.parametrize("request_", [{"type": "sync", "more": "m"}, {"type": "room.get", "room": "g"}])
def test_what_is_refused_for_now_is_asked_again(phone: Phone, request_: dict[str, Any]) -> None:
    line = OpenLine()
    phone.line = cast(Line, line)
    phone.reply({**request_, "id": 2}, NOT_NOW)
    assert not phone.quiet
    pass_time(phone, 4.9)
    assert line.asked == []
    pass_time(phone, 0.2)
    assert [{**packet, "id": 2} for packet in line.asked] == [{**request_, "id": 2}]
    assert phone.quiet


def test_what_was_refused_ends_with_its_connection(phone: Phone) -> None:
    phone.resting = True
    phone.line = cast(Line, OpenLine())
    phone.reply({"type": "sync", "more": "m", "id": 2}, NOT_NOW)
    phone.line_lost()
    phone.line = cast(Line, line := OpenLine())
    pass_time(phone, 6.0)
    assert line.asked == []
