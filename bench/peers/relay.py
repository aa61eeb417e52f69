"""A fan-out through a server that passes messages on: those who listen, and one who publishes for all authors.

Nobody acknowledges anything here, so a message counts as answered when the first listener has it.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from bench.engine.device import Device
from bench.engine.pacer import pace
from bench.engine.part import Moves, Part
from bench.engine.pump import Pump
from bench.engine.script import Letter
from bench.engine.stage import Report, Stage
from bench.engine.stream import Follower, Framing, Stream
from bench.frames import frame_end

SAID_BYTES = 300  # as much as the daemon's push of one message has
_KEY_CHARS = 33  # of Script.key


@dataclass(frozen=True)
class Crowd:
    """How many listen, and for how many one publishes."""

    members: int
    authors: int


class Listener(Device):
    """Receives every message; what it receives goes to its follower as the stream has it."""

    def __init__(self, pump: Pump, stage: Stage, stream: Stream) -> None:
        super().__init__(pump, stage.access, stage.gate, None)
        self.follower = Follower(stream, self.foreign)
        self._tally = stage.tally

    @abstractmethod
    def foreign(self, frame: bytes, at_end: bool) -> bool:
        """A frame that is not the stream's next; whether the stream goes on with it."""

    def message(self, at_end: bool) -> bool:
        """A message that is not the stream's next: the stream goes on with it, or it came where it does not belong."""
        if not at_end:
            self._tally.add(
                "reordered", f"somebody has message {self.follower.place} otherwise than the others"
            )
        return at_end


class Publisher(Device):
    """Publishes for all authors over one connection; it listens to nothing."""

    def __init__(self, pump: Pump, stage: Stage, authors: int) -> None:
        super().__init__(pump, stage.access, stage.gate, None)
        self.sent = 0
        self.seen = 0
        self._stage = stage
        self._authors = authors

    @abstractmethod
    def publish(self, said: bytes, number: int) -> None:
        """Sends one message to everybody."""

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
        self.publish(f"{stage.script.key(letter)}{stage.texts.of(0, letter.number)}".encode(), letter.number)

    def arrived(self, letter: Letter, now_ns: int) -> None:
        """Somebody has it."""
        if letter.number != self.seen:
            counter = "duplicated" if letter.number < self.seen else "lost"
            self._stage.tally.add(counter, f"message {letter.number} came instead of {self.seen}")
        self.seen = letter.number + 1
        if not self._stage.pacing.rate and now_ns < self._stage.stop_ns:
            self.due(now_ns)


class Relay(Part):
    """Everybody, in one process: the publisher is told by the first listener who has a message."""

    listener: type[Listener]
    publisher: type[Publisher]
    end_of: Framing = staticmethod(frame_end)

    def __init__(self, pump: Pump, stage: Stage, crowd: Crowd) -> None:
        super().__init__(pump, stage)
        self._stream = Stream(self._decode, stage.record, self.end_of)
        self._members = [self.listener(pump, stage, self._stream) for _ in range(crowd.members)]
        self._author = self.publisher(pump, stage, crowd.authors)

    @abstractmethod
    def words(self, frame: bytes) -> bytes:
        """What was published, of a frame of the stream."""

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
                self.stage.tally.add("lost", f"{missing} messages did not reach a listener", missing)
        return Report(self.stage.record, self.stage.tally, failures=self.stage.gate.failures)

    def _decode(self, frame: bytes) -> tuple[int, list[Letter]]:
        said = self.words(frame).decode(errors="replace")
        letter = self.stage.script.letter(said[:_KEY_CHARS])
        if letter is None or not said[_KEY_CHARS:].startswith(self.stage.texts.of(0, letter.number)):
            self.stage.tally.add("altered", f"{said[:80]!r} was never published")
            return len(self._stream.ends), []
        self._author.arrived(letter, time.perf_counter_ns())
        return len(self._stream.ends), [letter]
