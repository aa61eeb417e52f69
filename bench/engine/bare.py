"""The devices that measure a floor: no hello, no acknowledgements, the same streams, followers and clocks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import frames
from bench.codec import Packet
from bench.engine.device import Device
from bench.engine.pacer import pace
from bench.engine.part import Moves, Part
from bench.engine.pump import Pump
from bench.engine.script import Letter
from bench.engine.stage import Report, Stage
from bench.engine.stream import Follower, Stream


class BareMember(Device):
    """A connection that receives the prebuilt frame. Without an upgrade, it is in once it has been greeted."""

    def __init__(self, pump: Pump, stage: Stage, stream: Stream, *, upgrade: bool) -> None:
        super().__init__(pump, stage.access, stage.gate, None)
        self.follower = Follower(stream, lambda frame, at_end: at_end)
        self._needs_upgrade = upgrade

    def connected(self) -> None:
        """In, or on the way."""
        if self._needs_upgrade:
            super().connected()
        else:
            self.receive = self._accepted

    def welcome(self, reply: Packet) -> None:
        """Bytes go to the follower."""
        self.receive = self.follower.receive

    def _accepted(self, view: memoryview) -> None:
        self.gate.entered += 1
        self.welcome({})


class BareAuthor(BareMember):
    """Makes the program push; a message is answered when the first member has it."""

    def __init__(
        self, pump: Pump, stage: Stage, stream: Stream, said: deque[Letter], *, upgrade: bool
    ) -> None:
        super().__init__(pump, stage, stream, upgrade=upgrade)
        self.sent = 0
        self._stage = stage
        self._said = said
        self._trigger = frames.client_frame(self.encoding.opcode, b"A") if upgrade else b"A"

    def welcome(self, reply: Packet) -> None:
        """Says that this is an author."""
        super().welcome(reply)
        self.send(self._trigger)

    def begin_closed(self, in_flight: int) -> None:
        """Keeps that many pushes in flight."""
        for _ in range(in_flight):
            self.due(time.perf_counter_ns())

    def due(self, due_ns: int) -> None:
        """One push is due."""
        letter = Letter(0, self.sent, due_ns, time.perf_counter_ns())
        self.sent += 1
        self._said.append(letter)
        self._stage.record.sent(letter)
        self.send(self._trigger)


@dataclass(frozen=True)
class Bare:
    """How many receive, and whether the program wants an upgrade."""

    members: int
    upgrade: bool


class BareFanout(Part):
    """One author and all members of a floor, in one process: nothing tells the messages apart but their order."""

    def __init__(self, pump: Pump, stage: Stage, bare: Bare) -> None:
        super().__init__(pump, stage)
        self._said: deque[Letter] = deque()
        self._stream = Stream(self._decode, stage.record)
        self._members = [
            BareMember(pump, stage, self._stream, upgrade=bare.upgrade) for _ in range(bare.members)
        ]
        self._author = BareAuthor(pump, stage, self._stream, self._said, upgrade=bare.upgrade)

    def devices(self) -> Iterable[Device]:
        """The author last, when all are there."""
        return [*self._members, self._author]

    def begin(self, start_ns: int) -> None:
        """The author starts."""
        pace(self.pump, self.stage, [self._author], start_ns)

    def answered(self) -> bool:
        """Everybody has everything."""
        return not self._said and all(member.follower.at_end for member in self._members)

    def moves(self) -> Moves:
        """Sent, seen by somebody, delivered."""
        return self._author.sent, len(self._stream.ends), self._stream.arrivals

    def report(self) -> Report:
        """What arrived; what did not is lost."""
        self._stream.settle()
        for member in self._members:
            if missing := len(member.follower.missing) + len(self._said):
                self.stage.tally.add("lost", f"{missing} pushes did not reach a member", missing)
        return Report(self.stage.record, self.stage.tally, failures=self.stage.gate.failures)

    def _decode(self, frame: bytes) -> tuple[int, list[Letter]]:
        if not self._said:
            self.stage.tally.add("duplicated", "a push that nobody asked for")
            return len(self._stream.ends), []
        letter = self._said.popleft()
        now_ns = time.perf_counter_ns()
        if not self.stage.pacing.rate and now_ns < self.stage.stop_ns:
            self._author.due(now_ns)
        return letter.number, [letter]


class EchoClient(Device):
    """Sends a message as a client of the daemon would, and waits until it is back."""

    def __init__(self, pump: Pump, stage: Stage, number: int) -> None:
        super().__init__(pump, stage.access, stage.gate, None)
        self.sent = 0
        self.acked = 0
        self._stage = stage
        self._number = number
        self._flying: deque[tuple[Letter, bytes]] = deque()

    @property
    def done(self) -> bool:
        """Whether everything is back."""
        return not self._flying

    def begin_closed(self, in_flight: int) -> None:
        """Keeps that many messages in flight."""
        for _ in range(in_flight):
            self.due(time.perf_counter_ns())

    def due(self, due_ns: int) -> None:
        """One message is due."""
        stage = self._stage
        letter = Letter(self._number, self.sent, due_ns, time.perf_counter_ns())
        self.sent += 1
        payload = self.encoding.pack(
            {
                "type": "send",
                "id": self.sent,
                "room": "d00000000000",
                "key": stage.script.key(letter),
                "body": {"text": stage.texts.of(self._number, letter.number)},
            }
        )
        self._flying.append((letter, payload))
        stage.record.sent(letter)
        self.send(frames.client_frame(self.encoding.opcode, payload))

    def take(self, payload: bytes) -> None:
        """One message is back."""
        now_ns = time.perf_counter_ns()
        if not self._flying:
            self._stage.tally.add("duplicated", f"{self._number} got back what he did not send")
            return
        letter, sent = self._flying.popleft()
        if payload != sent:
            self._stage.tally.add(
                "altered", f"message {letter.number} of {letter.author} came back otherwise"
            )
        self.acked += 1
        self._stage.record.acked(letter, now_ns)
        if not self._stage.pacing.rate and now_ns < self._stage.stop_ns:
            self.due(now_ns)


class Echoing(Part):
    """All clients of the echo."""

    def __init__(self, pump: Pump, stage: Stage, clients: int) -> None:
        super().__init__(pump, stage)
        mine: Sequence[int] = stage.mine(range(clients))
        self._clients = {number: EchoClient(pump, stage, number) for number in mine}
        self._count = clients

    def devices(self) -> Iterable[Device]:
        """Everybody."""
        return self._clients.values()

    def begin(self, start_ns: int) -> None:
        """All send in turn, or all the time."""
        pace(self.pump, self.stage, [self._clients.get(number) for number in range(self._count)], start_ns)

    def answered(self) -> bool:
        """Everything is back."""
        return all(client.done for client in self._clients.values())

    def moves(self) -> Moves:
        """Sent and back; nothing is delivered to anybody else."""
        clients = self._clients.values()
        return sum(client.sent for client in clients), sum(client.acked for client in clients), 0

    def report(self) -> Report:
        """What did not come back is unacknowledged."""
        for number, client in self._clients.items():
            if missing := client.sent - client.acked:
                self.stage.tally.add("unacked", f"{missing} of client {number} did not come back", missing)
        return Report(self.stage.record, self.stage.tally, failures=self.stage.gate.failures)
