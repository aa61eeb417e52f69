"""A device that also writes, as protocol.md wants it: one unanswered frame of sends, what waits goes out together."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import NamedTuple

from bench.codec import Packet
from bench.engine.hearer import Hearer
from bench.engine.pump import Pump
from bench.engine.script import Letter
from bench.engine.stage import Said, Stage

BATCH_MAX = 32  # `limits.in_flight`: the server would stop reading beyond it


class Due(NamedTuple):
    """A message that waits: the author's how manieth, and since when."""

    number: int
    due_ns: int


class Author(Hearer):
    """A hearer who says something whenever it is due, or as long as the loop is closed."""

    def __init__(self, pump: Pump, stage: Stage, number: int, room: str) -> None:
        super().__init__(pump, stage, number, room)
        self.sent = 0  # different messages
        self.acked = 0
        self._waiting: deque[Due] = deque()
        self._again: list[Letter] = []  # refused for now: they go out first, as they were
        self._unanswered = 0
        self._resting = False

    @property
    def done(self) -> bool:
        """Whether everything that was due is answered."""
        return not (self._unanswered or self._again or self._waiting)

    def said(self) -> Said:
        """What this author has said."""
        return Said(self.room, self.number, self.sent, self.acked)

    def begin_closed(self, in_flight: int) -> None:
        """Keeps that many messages in flight until the stage stops."""
        now_ns = time.perf_counter_ns()
        for _ in range(in_flight):
            self._add(now_ns)
        self._speak()

    def due(self, due_ns: int) -> None:
        """One message is due."""
        self._add(due_ns)
        self._speak()

    def gone(self, reason: str) -> None:
        """What is unanswered now stays unacknowledged."""
        self._waiting.clear()
        self._again.clear()
        self._unanswered = 0

    def _add(self, due_ns: int) -> None:
        self._waiting.append(Due(self.sent, due_ns))
        self.sent += 1

    def _speak(self) -> None:
        if self._unanswered or self._resting or not self.alive:
            return
        letters = self._next(time.perf_counter_ns())
        self._unanswered = len(letters)
        frame = [self._packet(letter) for letter in letters]
        if frame:
            self.write(frame if len(frame) > 1 else frame[0])

    def _next(self, now_ns: int) -> list[Letter]:
        """What goes out now, in one frame."""
        letters, self._again = self._again, []
        for _ in range(min(BATCH_MAX - len(letters), len(self._waiting))):
            number, due_ns = self._waiting.popleft()
            letters.append(Letter(self.number, number, due_ns, now_ns))
            self.stage.record.sent(letters[-1])
        return letters

    def _packet(self, letter: Letter) -> Packet:
        packet = {
            "type": "send",
            "room": self.room,
            "key": self.stage.script.key(letter),
            "body": {"text": self.stage.texts.of(letter.author, letter.number)},
        }
        return self.numbered(packet, partial(self._answered, letter))

    def _answered(self, letter: Letter, reply: Packet) -> None:
        now_ns = time.perf_counter_ns()
        self._unanswered -= 1
        if reply["type"] == "ok":
            self.acked += 1
            self.witness.own(reply["seq"], letter)
            self.stage.record.acked(letter, now_ns)
            if not self.stage.pacing.rate and now_ns < self.stage.stop_ns:
                self._add(now_ns)
        else:
            self._refused(letter, reply)
        self._speak()

    def _refused(self, letter: Letter, reply: Packet) -> None:
        self.gate.fail(f"send: {reply['code']}")
        if reply.get("retry") == "later":
            self._again.append(letter)
            self._resting = True
            wait_ns = reply.get("retry_after", 0) * 1_000_000
            self.pump.call_at(time.perf_counter_ns() + wait_ns, self._rested)

    def _rested(self) -> None:
        self._resting = False
        self._speak()
