"""When each message of a trace is sent, and which are answered: by a window, or by the trace's own clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from bench.histogram import Histogram
from bench.trace import Message, Trace

WINDOW = 256  # unanswered messages at full speed: keeps the writer's batches filled without building a queue
_SLEEP_MIN_S = 0.001  # below the resolution of the event loop's timers a message goes out at once


class Pace:
    """Hands out the messages of a trace in order, each with the moment it is due, and keeps the answers.

    `speed` None is closed: a message is due as soon as fewer than WINDOW are unanswered. A number is open: a
    message is due at its own time divided by `speed`, whatever the server does; one that goes out a little before
    its time is due when it does, so that it is not told as quicker than it was.
    """

    def __init__(self, trace: Trace, speed: float | None, run: str) -> None:
        self.trace = trace
        self.speed = speed
        self.acks = Histogram()  # from due to answered
        self.lags = Histogram()  # from due to handed out: how late the generator was
        self.sent = 0
        self.unanswered = 0
        self.started_ns = time.perf_counter_ns()
        self.run = run
        self._due_ns = [0] * len(trace.messages)
        self._answered = bytearray(len(trace.messages))
        self._room = asyncio.Event()

    async def messages(self) -> AsyncIterator[Message]:
        """Each message when it is due."""
        self.started_ns = time.perf_counter_ns()
        for message in self.trace.messages:
            if self.speed is None:
                await self._wait_below(WINDOW)
                due_ns = time.perf_counter_ns()
            else:
                due_ns = self.started_ns + int(message.at_s / self.speed * 1e9)
                await _wait_until(due_ns)
                now_ns = time.perf_counter_ns()
                self.lags.record(now_ns - due_ns)
                due_ns = min(due_ns, now_ns)
            self._due_ns[message.place] = due_ns
            self.sent += 1
            self.unanswered += 1
            yield message

    async def wait_answered(self) -> None:
        """Waits until no message is unanswered."""
        await self._wait_below(1)

    def key(self, message: Message) -> str:
        """The idempotency key of a message: the run's name and its place in the trace."""
        return f"{self.run}-{message.place:07d}"

    def place(self, key: str) -> int | None:
        """The place in the trace of the message with this key; None when it is not of this run."""
        run, _, digits = key.rpartition("-")
        if run != self.run or not digits.isdecimal():
            return None
        place = int(digits)
        return place if place < self.sent else None

    def sent_at(self, key: str) -> int:
        """When the message with this key was due, in nanoseconds; 0 when it is not of this run."""
        place = self.place(key)
        return 0 if place is None else self._due_ns[place]

    def answered(self, place: int) -> bool:
        """Notes that a message is acknowledged; False when it was already."""
        if self._answered[place]:
            return False
        self.acks.record(time.perf_counter_ns() - self._due_ns[place])
        self._close(place)
        return True

    def refused(self, place: int) -> None:
        """Notes that a message will never be acknowledged."""
        if not self._answered[place]:
            self._close(place)

    def open_messages(self) -> list[Message]:
        """The messages that were handed out and have no answer."""
        return [message for message in self.trace.messages[: self.sent] if not self._answered[message.place]]

    def _close(self, place: int) -> None:
        self._answered[place] = 1
        self.unanswered -= 1
        self._room.set()

    async def _wait_below(self, count: int) -> None:
        while self.unanswered >= count:
            self._room.clear()
            await self._room.wait()


async def _wait_until(due_ns: int) -> None:
    ahead_s = (due_ns - time.perf_counter_ns()) / 1e9
    await asyncio.sleep(ahead_s if ahead_s > _SLEEP_MIN_S else 0)
