"""How far a user is in one room, as numbers, and event pushes, each decoded once however many users receive it.

All members of a room get identical bytes (protocol.md "Delivery and gap repair"), so the bytes are the key: one user
pays for decoding, the others compare. Every user checks where the run starts and ends, and keeps a sum of event
identities; both are later compared with the log. Fetching what is missing is the business of user.py.
"""

import hashlib
import json
from enum import Enum, auto
from typing import NamedTuple

from bench.client.stream import Push
from bench.engine.record import MessageId, Record, Script
from bench.wire import Packet

RUNS_MAX = 2_048  # some seconds of pushes; a user who is further behind makes them be decoded again
EVENTS_MAX = 65_536  # events whose identity is remembered, for runs that overlap


class Event(NamedTuple):
    seq: int
    identity: int
    message: MessageId | None


class Run(Push):
    """The events of one push. `first` is 0 when they are not contiguous, so that no position fits them."""

    __slots__ = ("events", "first", "identity", "room")

    def __init__(self, room: str, events: list[Event]) -> None:
        super().__init__(events[-1].seq, [event.message for event in events if event.message is not None])
        self.room = room
        self.events = events
        contiguous = all(event.seq == events[0].seq + offset for offset, event in enumerate(events))
        self.first = events[0].seq if contiguous else 0
        self.identity = sum(event.identity for event in events)


class Pushes:
    def __init__(self, script: Script, record: Record) -> None:
        self._script = script
        self._record = record
        self._runs: dict[bytes, tuple[Run, ...]] = {}
        self._seen: dict[tuple[str, int], tuple[Packet, Event]] = {}

    def get(self, payload: bytes) -> tuple[Run, ...] | None:
        return self._runs.get(payload)

    def put(self, payload: bytes, pushes: list[Packet]) -> tuple[Run, ...]:
        """The runs of a frame that holds these `event` pushes, kept; the oldest make room."""
        runs = self._runs[payload] = tuple(self.run(push) for push in pushes if push["events"])
        if len(self._runs) > RUNS_MAX:
            self._settle(self._runs.pop(next(iter(self._runs))))
        return runs

    def run(self, push: Packet) -> Run:
        return Run(push["room"], [self.event(push["room"], event) for event in push["events"]])

    def event(self, room: str, event: Packet) -> Event:
        """One event of a push, a reply or an own ack; equal events have equal identities."""
        place = (room, event["seq"])
        seen = self._seen.get(place)
        if seen is not None and seen[0] == event:
            return seen[1]
        found = Event(event["seq"], identity(room, event), self._script.message(event.get("key", "")))
        self._seen[place] = (event, found)
        if len(self._seen) > EVENTS_MAX:
            del self._seen[next(iter(self._seen))]
        return found

    def settle(self) -> None:
        for runs in self._runs.values():
            self._settle(runs)

    def _settle(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            run.settle(self._record)


def identity(room: str, event: Packet) -> int:
    """64 bits that stand for everything a user is shown of this event, and for its place in the room."""
    content = json.dumps([room, event], sort_keys=True, ensure_ascii=False).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")


BUFFERED_MAX = 64  # protocol.md "Positions, gaps and repair"


class Fate(Enum):
    APPLIED = auto()
    BUFFERED = auto()  # there is a gap before it
    OVERLAP = auto()  # known from the reply to hello, which is allowed
    DUPLICATE = auto()  # pushed twice on one connection
    LATE = auto()  # pushed after a later one on the same connection


class Position:
    """How far one user is in one room, and the sum of the identities of all events up to there."""

    __slots__ = ("_buffer", "_pushed", "applied", "head", "identity", "snapshot", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.applied = start
        self.head = start
        self.identity = 0
        self._buffer: dict[int, int] = {}
        self._pushed = 0
        self.snapshot = 0  # the last place as this connection's hello told it

    @property
    def behind(self) -> bool:
        return self.applied < self.head

    def connected(self) -> None:
        self._buffer.clear()
        self._pushed = 0
        self.snapshot = 0
        self.head = self.applied

    def told(self, seq: int) -> None:
        """A summary says that the room is at `seq`; pushes up to there may repeat what it brought."""
        self.snapshot = max(self.snapshot, seq)
        self.head = max(self.head, seq)

    def run(self, run: Run) -> bool:
        """Applies a pushed run that follows directly; False: nothing was done, look at each event."""
        if run.first != self.applied + 1 or self._pushed > self.applied or self._buffer:
            return False
        self.identity += run.identity
        self.applied = self._pushed = run.last
        if run.last > self.head:
            self.head = run.last
        return True

    def pushed(self, seq: int, identity: int) -> Fate:
        """One live event, or the ack that stands in its place for the author."""
        if seq <= self._pushed:
            known = seq <= self.applied or seq in self._buffer
            self.repaired(seq, identity)
            return Fate.DUPLICATE if known else Fate.LATE
        self._pushed = seq
        if seq <= self.applied:
            return Fate.OVERLAP if seq <= self.snapshot else Fate.DUPLICATE
        self.head = max(self.head, seq)
        return Fate.APPLIED if self.repaired(seq, identity) else Fate.BUFFERED

    def moved(self, seq: int) -> None:
        """A `head` push: the room is at `seq`, the events up to there will not be pushed any more."""
        self._pushed = max(self._pushed, seq)
        self.head = max(self.head, seq)

    def repaired(self, seq: int, identity: int) -> bool:
        """One event from a reply; True when it was new and is applied, with all that waited behind it."""
        if seq != self.applied + 1:
            if seq > self.applied:
                self._keep(seq, identity)
            return False
        while True:
            self.applied = seq
            self.identity += identity
            seq += 1
            if seq not in self._buffer:
                break
            identity = self._buffer.pop(seq)
        self.head = max(self.head, self.applied)
        return True

    def _keep(self, seq: int, identity: int) -> None:
        self._buffer[seq] = identity
        if len(self._buffer) > BUFFERED_MAX:
            self._buffer.clear()
