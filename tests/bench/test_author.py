"""An author says a thing once, however often it takes, and what he waits for is not the generator's lag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bench.engine.author import Author
from bench.engine.device import Access
from bench.engine.pacer import Schedule
from bench.engine.pump import Pump
from bench.engine.record import SECOND_NS
from bench.engine.script import Script
from bench.engine.stage import Pacing, Stage

PACED = Pacing(duration_s=1000.0, warmup_s=0.0, rate=1.0)


@pytest.fixture
def pump() -> Iterator[Pump]:
    turning = Pump()
    yield turning
    turning.close()


class Heard:
    """An author whose frames are kept instead of sent."""

    def __init__(self, pump: Pump) -> None:
        self.stage = Stage(Access("ws://127.0.0.1:9/", "secret"), Script("auth"), PACED)
        self.author = Author(pump, self.stage, 0, "room")
        self.author.alive = True
        self.frames: list[list[dict[str, Any]]] = []
        self.author.write = self._keep  # type: ignore[method-assign]

    def _keep(self, content: Any) -> None:
        self.frames.append(content if isinstance(content, list) else [content])

    def answer(self, packet: dict[str, Any], **reply: object) -> None:
        self.author.route({"type": "ok", "id": packet["id"], **reply})

    def refuse(self, packet: dict[str, Any]) -> None:
        self.answer(packet, type="error", code="rate_limited", retry="later", retry_after=1)


def test_what_is_refused_for_now_is_sent_again_with_the_same_key(pump: Pump) -> None:
    heard = Heard(pump)
    heard.author.due(0)
    heard.author.due(1)
    heard.refuse(heard.frames[0][0])
    assert not heard.author.done
    pump.run(lambda: len(heard.frames) > 1)
    (first,), again = heard.frames
    assert again[0] == {**first, "id": again[0]["id"]}
    assert len(again) == 2, "what became due meanwhile goes with it"
    for seq, packet in enumerate(again, start=1):
        heard.answer(packet, seq=seq)
    assert heard.author.done
    assert (heard.author.sent, heard.author.acked) == (2, 2)
    assert heard.stage.record.messages == 2, "sent again is not sent twice"
    assert heard.stage.tally.clean


def test_a_wait_for_the_answer_before_is_not_the_generators(pump: Pump) -> None:
    heard = Heard(pump)
    heard.author.due(0)
    heard.author.due(1)  # waits for the answer, for as long as the machine runs
    heard.answer(heard.frames[0][0], seq=1)
    assert len(heard.frames) == 2
    assert heard.stage.record.lags.count == 0


class Late:
    """Somebody who is made to write."""

    def __init__(self) -> None:
        self.dues: list[int] = []

    def begin_closed(self, in_flight: int) -> None: ...

    def due(self, due_ns: int) -> None:
        self.dues.append(due_ns)


def test_the_generator_is_late_when_it_gets_round_to_something_late(pump: Pump) -> None:
    stage, late = Stage(Access("ws://127.0.0.1:9/", "secret"), Script("auth"), PACED), Late()
    Schedule(pump, stage.record, [(0, late), (SECOND_NS, late)]).begin()  # long ago, as machines count
    pump.run(lambda: len(late.dues) == 2)
    assert late.dues == [0, SECOND_NS]
    assert stage.record.lags.count == 2
