"""Durations and counts of one process, second by second; mergeable, so percentiles are never averaged."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.engine.script import MessageId
from bench.histogram import Histogram

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
