"""The names and texts of a run, and durations and counts of one process, second by second. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from bench.histogram import Histogram

TEXT_BYTES = (120, 200)  # of a text: the usual length of what people write in a group
_TEXTS = 61  # prime, so that no number of senders makes all of them write the same
_LETTERS = "abcdefghijklmnopqrstuvwxyz     "
_LAG_MAX_US = 0xFFFFFF  # 16 s: a longer wait for one's turn is told as 16 s


class MessageId(NamedTuple):
    """One message of a run: its author, its number among theirs, when it was due and when it was really sent."""

    author: int
    number: int
    due_ns: int
    sent_ns: int


@dataclass(frozen=True)
class Script:
    """The names and texts of one run; `run` (4 characters) keeps them apart from those of other runs."""

    run: str
    seed: int = 1

    def user(self, number: int) -> str:
        return f"{self.run}-{number:x}"

    def device(self, number: int) -> str:
        """Return the device of a user, 22 characters (protocol.md "Identifiers and counters")."""
        return f"{self.run}-{number:x}".ljust(22, "-")

    def key(self, message: MessageId) -> str:
        """The idempotency key of a message; it holds the whole message, times in microseconds."""
        due_us = message.due_ns // 1000
        lag_us = min(_LAG_MAX_US, message.sent_ns // 1000 - due_us)
        return f"{self.run}{message.author:05x}{message.number:06x}{due_us:012x}{lag_us:06x}"

    def message(self, key: str) -> MessageId | None:
        """The message of a key; None when it is not of this run."""
        if len(key) != _KEY_CHARS or not key.startswith(self.run):
            return None
        due_us = int(key[15:27], 16)
        sent_us = due_us + int(key[27:], 16)
        return MessageId(int(key[4:9], 16), int(key[9:15], 16), due_us * 1000, sent_us * 1000)

    @cached_property
    def _texts(self) -> list[str]:
        chance = random.Random(self.seed)
        sizes = (chance.randint(*TEXT_BYTES) for _ in range(_TEXTS))
        return ["".join(chance.choices(_LETTERS, k=size)) for size in sizes]

    def text(self, author: int, number: int) -> str:
        return self._texts[(author * 7 + number) % _TEXTS]


_KEY_CHARS = 33
SECOND_NS = 1_000_000_000


@dataclass
class Second:
    acks: Histogram = field(default_factory=Histogram)  # from due to durable
    deliveries: Histogram = field(default_factory=Histogram)  # from due to received, once for each receiver
    messages: int = 0  # sent


@dataclass
class Record:
    """Everything that is measured; nothing that was due before `from_ns` or from `until_ns` on is counted."""

    from_ns: int = 0
    until_ns: int = 1 << 62
    seconds: dict[int, Second] = field(default_factory=dict)
    acks_sent: Histogram = field(default_factory=Histogram)  # as `acks`, but from the actual send
    deliveries_sent: Histogram = field(default_factory=Histogram)
    resumes: Histogram = field(default_factory=Histogram)  # from due, or cut off, to ready
    lags: Histogram = field(default_factory=Histogram)  # from due to fired: how late the generator was
    last_ns: int = 0  # when the last ack or delivery that counts came

    def sent(self, message: MessageId) -> None:
        second = self._second(message.due_ns)
        if second is not None:
            second.messages += 1

    def fired(self, due_ns: int, now_ns: int) -> None:
        """The generator got round to something that was due. What an author waits for is not its lag."""
        if self.from_ns <= due_ns < self.until_ns:
            self.lags.record(now_ns - due_ns)

    def acked(self, message: MessageId, now_ns: int) -> None:
        second = self._second(message.due_ns)
        if second is not None:
            second.acks.record(now_ns - message.due_ns)
            self.acks_sent.record(now_ns - message.sent_ns)
            self.last_ns = max(self.last_ns, now_ns)

    def delivered(self, message: MessageId, now_ns: int, times: int = 1) -> None:
        second = self._second(message.due_ns)
        if second is not None:
            second.deliveries.record(now_ns - message.due_ns, times)
            self.deliveries_sent.record(now_ns - message.sent_ns, times)
            self.last_ns = max(self.last_ns, now_ns)

    def resumed(self, since_ns: int, now_ns: int) -> None:
        if self.from_ns <= since_ns < self.until_ns:
            self.resumes.record(now_ns - since_ns)
            self.last_ns = max(self.last_ns, now_ns)

    def merge(self, other: Record) -> None:
        for name in ("acks_sent", "deliveries_sent", "resumes", "lags"):
            getattr(self, name).merge(getattr(other, name))
        for place, second in other.seconds.items():
            mine = self.seconds.setdefault(place, Second())
            mine.acks.merge(second.acks)
            mine.deliveries.merge(second.deliveries)
            mine.messages += second.messages
        self.last_ns = max(self.last_ns, other.last_ns)

    @property
    def messages(self) -> int:
        return sum(second.messages for second in self.seconds.values())

    def acks(self) -> Histogram:
        return Histogram.sum(second.acks for second in self.seconds.values())

    def deliveries(self) -> Histogram:
        return Histogram.sum(second.deliveries for second in self.seconds.values())

    def _second(self, due_ns: int) -> Second | None:
        if not self.from_ns <= due_ns < self.until_ns:
            return None
        place = (due_ns - self.from_ns) // SECOND_NS
        second = self.seconds.get(place)
        if second is None:
            second = self.seconds[place] = Second()
        return second
