"""Messages come in order: within the window when closed, never before their time when open."""

from __future__ import annotations

import asyncio
import io
import json
import time

import pytest

from bench import pace
from bench.pace import Pace
from bench.trace import Message, read


def paced(count: int, speed: float | None = None, step_s: float = 0.0) -> Pace:
    lines = (
        json.dumps({"ts": n * step_s, "room": "r", "user": "u", "text": "x"}).encode() for n in range(count)
    )
    return Pace(read(io.BytesIO(b"\n".join(lines)), "t"), speed, "ab12")


async def test_the_window_holds_and_every_answer_lets_one_more_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "WINDOW", 3)
    closed, out = paced(5), asyncio.Queue[Message]()

    async def send() -> None:
        async for message in closed.messages():
            out.put_nowait(message)
        await closed.wait_answered()

    sending = asyncio.create_task(send())
    first = [await out.get() for _ in range(3)]
    assert (closed.sent, closed.unanswered, out.qsize()) == (3, 3, 0)
    assert closed.answered(first[1].place)
    assert not closed.answered(first[1].place)
    assert (await out.get()).place == 3
    assert [message.place for message in closed.open_messages()] == [0, 2, 3]
    closed.refused(0)
    assert (await out.get()).place == 4
    for place in (2, 3, 4):
        closed.answered(place)
    await sending
    assert (closed.acks.count, closed.unanswered) == (4, 0)


async def test_an_open_loop_keeps_the_schedule_and_measures_from_it() -> None:
    timed = paced(6, speed=100.0, step_s=1.0)
    seen = [(message.place, time.perf_counter_ns()) async for message in timed.messages()]
    assert [place for place, _ in seen] == list(range(6))
    for place, at_ns in seen:
        due_ns = timed.started_ns + place * 10_000_000
        counts_from_ns = timed.sent_at(timed.key(timed.trace.messages[place]))
        assert due_ns - 1_000_000 <= counts_from_ns <= due_ns
        assert counts_from_ns <= at_ns, "nothing is told as quicker than it was"
    assert timed.lags.count == 6


async def test_what_goes_out_before_its_time_counts_from_when_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(due_ns: int) -> None:
        """A timer that fires too early."""

    monkeypatch.setattr(pace, "_wait_until", at_once)
    timed = paced(2, speed=1.0, step_s=1000.0)
    seen = [(message, time.perf_counter_ns()) async for message in timed.messages()]
    assert all(timed.sent_at(timed.key(message)) <= at_ns for message, at_ns in seen)


def test_a_key_leads_back_to_its_place_and_a_foreign_one_nowhere() -> None:
    trace_pace = paced(3)
    trace_pace.sent = 2
    assert trace_pace.key(trace_pace.trace.messages[1]) == "ab12-0000001"
    assert trace_pace.place("ab12-0000001") == 1
    for foreign in ("ab12-0000002", "ab13-0000001", "ab12-x", "ab12-²", "", "0000001"):
        assert trace_pace.place(foreign) is None
        assert trace_pace.sent_at(foreign) == 0
