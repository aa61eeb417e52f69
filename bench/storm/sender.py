"""A guest who writes: one unanswered frame of sends, sent again with the same keys when the connection was lost."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import NamedTuple

from bench.codec import Packet
from bench.histogram import Histogram
from bench.storm.visit import Guest, Stage

BATCH_MAX = 16  # half of `limits.in_flight`
_NUMBER_CHARS = 10  # of a key: which message of its author it is


class Message(NamedTuple):
    """What is to be said, where, with which key, and since when."""

    room: str
    key: str
    text: str
    due_ns: int


class Sender(Guest):
    """Says what he is given, in order. `acked` holds the place of each message by its key, `heads` of each room."""

    def __init__(self, stage: Stage, number: int, texts: list[str]) -> None:
        super().__init__(stage, number)
        self.acks = Histogram()  # from due to durable, of what was due from `from_ns` on
        self.from_ns = 0
        self.sent_again = 0
        self.acked: dict[str, tuple[str, int]] = {}
        self.heads: dict[str, int] = {}
        self._texts = texts
        self._said = 0
        self._waiting: deque[Message] = deque()
        self._unanswered: dict[str, Message] = {}
        self._again: list[Message] = []
        self._tried: set[str] = set()

    @property
    def said(self) -> int:
        """How many messages he was given."""
        return self._said

    @property
    def done(self) -> bool:
        """Whether all he was given is acknowledged."""
        return len(self.acked) == self._said

    def text(self, key: str) -> str:
        """What the message with this key says."""
        return self._texts[int(key[-_NUMBER_CHARS:], 16) % len(self._texts)]

    def say(self, room: str, due_ns: int) -> None:
        """One more message."""
        key = f"{self.stage.script.run}{self.number:06x}{self._said:0{_NUMBER_CHARS}x}"
        self._waiting.append(Message(room, key, self._texts[self._said % len(self._texts)], due_ns))
        self._said += 1
        self._speak()

    def hello(self) -> Packet:
        """No summaries: he does not read."""
        return self.stage.access.hello(self.user, self.stage.script.device(self.number), rooms=1)

    def welcome(self, reply: Packet) -> None:
        """What is in doubt goes out again."""
        self._speak()

    def push(self, packet: Packet) -> None:
        """He does not read."""

    def away(self) -> None:
        """All that is unanswered is in doubt."""
        self._waiting.extendleft(reversed([*self._again, *self._unanswered.values()]))
        self._unanswered, self._again = {}, []

    def _speak(self) -> None:
        if self.visit is None or not self.present or self._unanswered or not self._waiting:
            return
        frame = [self._packet(self._waiting.popleft()) for _ in range(min(BATCH_MAX, len(self._waiting)))]
        self.visit.write(frame if len(frame) > 1 else frame[0])

    def _packet(self, message: Message) -> Packet:
        assert self.visit is not None
        self.sent_again += message.key in self._tried
        self._tried.add(message.key)
        self._unanswered[message.key] = message
        body = {"text": message.text}
        packet: Packet = {"type": "send", "room": message.room, "key": message.key, "body": body}
        return self.visit.numbered(packet, partial(self._answered, message))

    def _answered(self, message: Message, reply: Packet) -> None:
        del self._unanswered[message.key]
        if reply["type"] == "ok":
            self._note(message, reply["seq"])
        elif reply.get("retry") == "later":
            self._again.append(message)
        else:
            self.stage.tally.add("unacked", f"{message.key} was refused: {reply['code']}")
        if not self._unanswered:
            self._waiting.extendleft(reversed(self._again))
            wait_ns = reply.get("retry_after", 0) * 1_000_000 if self._again else 0
            self._again = []
            if wait_ns:
                self.stage.pump.call_at(time.perf_counter_ns() + wait_ns, self._speak)
            else:
                self._speak()

    def _note(self, message: Message, seq: int) -> None:
        self._tried.discard(message.key)
        self.acked[message.key] = (message.room, seq)
        self.heads[message.room] = max(seq, self.heads.get(message.room, 0))
        if self.from_ns and message.due_ns >= self.from_ns:
            self.acks.record(time.perf_counter_ns() - message.due_ns)
