"""Event pushes, each decoded once however many users receive it.

All members of a room get identical bytes (protocol.md "Delivery and gap repair"), so the bytes are the key: one user
pays for decoding, the others compare. Every user checks where the run starts and ends, and keeps a sum of event
identities; both are later compared with the log.
"""

import hashlib
import json
from typing import NamedTuple

from bench.client.stream import Push
from bench.codec import Packet
from bench.engine.record import Record
from bench.engine.script import MessageId, Script

RUNS_MAX = 2_048  # some seconds of pushes; a user who is further behind makes them be decoded again
EVENTS_MAX = 65_536  # events whose identity is remembered, for runs that overlap


class Event(NamedTuple):
    """One event as some user saw it. `message`: the message of this run that it is."""

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
    """The runs of the last seconds by their bytes, and the identities of their events."""

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
