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
        self._again: list[Due] = []  # of the unanswered frame, refused for now
        self._unanswered = 0
        self._resting = False

    @property
    def done(self) -> bool:
        """Whether everything that was due is answered."""
        return not (self._unanswered or self._waiting)

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
        self._unanswered = 0

    def _add(self, due_ns: int) -> None:
        self._waiting.append(Due(self.sent, due_ns))
        self.sent += 1

    def _speak(self) -> None:
        if self._unanswered or self._resting or not self._waiting or not self.alive:
            return
        now_ns = time.perf_counter_ns()
        count = min(BATCH_MAX, len(self._waiting))
        frame = [self._packet(self._waiting.popleft(), now_ns) for _ in range(count)]
        self._unanswered = count
        self.write(frame if count > 1 else frame[0])

    def _packet(self, due: Due, now_ns: int) -> Packet:
        stage = self.stage
        letter = Letter(self.number, due.number, due.due_ns, now_ns)
        stage.record.sent(letter)
        packet = {
            "type": "send",
            "room": self.room,
            "key": stage.script.key(letter),
            "body": {"text": stage.texts.of(self.number, due.number)},
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
        if not self._unanswered:
            self._waiting.extendleft(reversed(self._again))
            self._again = []
            self._speak()

    def _refused(self, letter: Letter, reply: Packet) -> None:
        self.gate.fail(f"send: {reply['code']}")
        if reply.get("retry") == "later":
            self._again.append(Due(letter.number, letter.due_ns))
            self._resting = True
            wait_ns = reply.get("retry_after", 0) * 1_000_000
            self.pump.call_at(time.perf_counter_ns() + wait_ns, self._rested)

    def _rested(self) -> None:
        self._resting = False
        self._speak()
