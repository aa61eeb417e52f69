"""NATS in its own protocol: subscribers of one subject, and a publisher who waits until somebody has his message.

NATS keeps the order of each connection only. All sends in flight go over one, so that all subscribers receive the
same bytes and can be held to them; it is also what NATS is quickest at.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from bench.engine.device import Device
from bench.engine.pacer import pace
from bench.engine.part import Moves, Part
from bench.engine.pump import Pump
from bench.engine.script import Letter
from bench.engine.stage import Report, Stage
from bench.engine.stream import Follower, Stream

SUBJECT = "room"
PAYLOAD_BYTES = 300  # as much as the daemon's push of one message has
_CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"echo":false}\r\n'
_LINE_END = b"\r\n"


def message_end(content: bytes, at: int) -> int:
    r"""Where the protocol line at `at` ends, with its payload; beyond the content while it is not whole.

    >>> message_end(b"PING\r\nMSG room 1 5\r\nhello\r\n", 0), message_end(b"PING\r\nMSG room 1 5\r\nhello\r\n", 6)
    (6, 27)
    """
    line_end = content.find(_LINE_END, at)
    if line_end < 0:
        return len(content) + 1
    if not content.startswith(b"MSG ", at):
        return line_end + 2
    return line_end + 2 + int(content[content.rindex(b" ", at, line_end) : line_end]) + 2


class Subscriber(Device):
    """Receives every message of the subject; all subscribers receive identical bytes."""

    def __init__(self, pump: Pump, stage: Stage, stream: Stream) -> None:
        super().__init__(pump, stage.access, stage.gate, None)
        self.follower = Follower(stream, self._foreign)
        self._greeting = b""

    def connected(self) -> None:
        """The server speaks first."""
        self.receive = self._answered
        self.send(self.first_words())

    def first_words(self) -> bytes:
        """What is said on connecting; the answer to PING tells that all of it was taken."""
        return _CONNECT + f"SUB {SUBJECT} 1\r\n".encode() + b"PING\r\n"

    def _answered(self, view: memoryview) -> None:
        self._greeting += view
        _, found, rest = self._greeting.partition(b"PONG\r\n")
        if found:
            self._greeting = b""
            self.receive = self.follower.receive
            self.gate.entered += 1
            if rest:
                self.follower.receive(memoryview(rest))

    def _foreign(self, frame: bytes, at_end: bool) -> bool:
        if frame.startswith(b"MSG "):
            return at_end
        if frame.startswith(b"PING"):
            self.send(b"PONG\r\n")
        elif frame.startswith(b"-ERR"):
            self.gate.fail(frame.decode(errors="replace").strip())
        return False


class Publisher(Subscriber):
    """Publishes for all authors; a message is answered when the first subscriber has it."""

    def __init__(self, pump: Pump, stage: Stage, stream: Stream, authors: int) -> None:
        super().__init__(pump, stage, stream)
        self.sent = 0
        self.seen = 0
        self._stage = stage
        self._authors = authors

    def first_words(self) -> bytes:
        """He subscribes to nothing."""
        return _CONNECT + b"PING\r\n"

    def begin_closed(self, in_flight: int) -> None:
        """Keeps that many in flight for each author."""
        for _ in range(in_flight * self._authors):
            self.due(time.perf_counter_ns())

    def due(self, due_ns: int) -> None:
        """One message is due."""
        stage = self._stage
        letter = Letter(0, self.sent, due_ns, time.perf_counter_ns())
        self.sent += 1
        stage.record.sent(letter)
        said = f"{stage.script.key(letter)}{stage.texts.of(0, letter.number)}".encode()
        payload = said.ljust(PAYLOAD_BYTES, b".")
        self.send(b"PUB %b %d\r\n%b\r\n" % (SUBJECT.encode(), len(payload), payload))

    def arrived(self, letter: Letter, now_ns: int) -> None:
        """Somebody has it."""
        if letter.number != self.seen:
            counter = "duplicated" if letter.number < self.seen else "lost"
            self._stage.tally.add(counter, f"message {letter.number} came instead of {self.seen}")
        self.seen = letter.number + 1
        if not self._stage.pacing.rate and now_ns < self._stage.stop_ns:
            self.due(now_ns)


@dataclass(frozen=True)
class Subject:
    """How many subscribe, and how many publish."""

    members: int
    authors: int


class NatsFanout(Part):
    """Everybody, in one process: the publisher is told by the first subscriber who has a message."""

    def __init__(self, pump: Pump, stage: Stage, subject: Subject) -> None:
        super().__init__(pump, stage)
        self._stream = Stream(self._decode, stage.record, message_end)
        self._members = [Subscriber(pump, stage, self._stream) for _ in range(subject.members)]
        self._author = Publisher(pump, stage, self._stream, subject.authors)

    def devices(self) -> Iterable[Device]:
        """The publisher last."""
        return [*self._members, self._author]

    def begin(self, start_ns: int) -> None:
        """The publisher starts."""
        pace(self.pump, self.stage, [self._author], start_ns)

    def answered(self) -> bool:
        """Everybody has everything."""
        seen = self._author.seen == self._author.sent
        return seen and all(member.follower.at_end for member in self._members)

    def moves(self) -> Moves:
        """Sent, seen by somebody, delivered."""
        return self._author.sent, len(self._stream.ends), self._stream.arrivals

    def report(self) -> Report:
        """What arrived; what did not is lost."""
        self._stream.settle()
        never = self._author.sent - self._author.seen
        for member in self._members:
            if missing := len(member.follower.missing) + never:
                self.stage.tally.add("lost", f"{missing} messages did not reach a subscriber", missing)
        return Report(self.stage.record, self.stage.tally, failures=self.stage.gate.failures)

    def _decode(self, frame: bytes) -> tuple[int, list[Letter]]:
        payload = frame[frame.index(_LINE_END) + 2 :]
        letter = self.stage.script.letter(payload[:_KEY_CHARS].decode(errors="replace"))
        if letter is None:
            self.stage.tally.add("altered", f"{payload[:80]!r} was never published")
            return len(self._stream.ends), []
        self._author.arrived(letter, time.perf_counter_ns())
        return len(self._stream.ends), [letter]


_KEY_CHARS = 33  # of Script.key
