"""Event pushes, each decoded once however many phones receive it.

All members of a room get identical bytes (protocol.md "Delivery and gap repair"), so the bytes are the key: the
first phone pays for decoding, the others compare. What a phone checks by itself is where the run starts and
ends, what it keeps is a sum of event identities, and both are later compared with the log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import NamedTuple

from bench.arrivals import Arrivals
from bench.codec import Packet
from bench.histogram import Histogram

RUNS_MAX = 2_048  # some seconds of pushes; a phone that is further behind makes them be decoded again
EVENTS_MAX = 65_536  # events whose identity is remembered, for runs that overlap


class Sighting(NamedTuple):
    """One event as some phone saw it: its place, its identity, and when it was sent if this run sent it."""

    seq: int
    identity: int
    user: str
    key: str
    sent_ns: int  # 0: not a message of this run


class Run(Arrivals):
    """The events of one push, which `arrived` at so many phones.

    `first` is 0 when they are not contiguous, so that no position fits them.
    """

    __slots__ = ("authors", "events", "first", "identity", "last", "messages", "room")

    def __init__(self, room: str, events: list[Sighting]) -> None:
        super().__init__(max(event.sent_ns for event in events))
        self.room = room
        self.events = events
        self.last = events[-1].seq
        contiguous = all(event.seq == events[0].seq + offset for offset, event in enumerate(events))
        self.first = events[0].seq if contiguous else 0
        self.identity = sum(event.identity for event in events)
        self.messages = sum(1 for event in events if event.sent_ns)
        self.authors = frozenset(event.user for event in events)

    def settle(self, latencies: Histogram) -> None:
        """Moves the noted arrivals into `latencies`, one duration for each message and phone."""
        for now_ns, phones in self.taken():
            for event in self.events:
                if event.sent_ns:
                    latencies.record(now_ns - event.sent_ns, phones)


class Runs:
    """The runs of the last seconds by their bytes, and the identities of their events."""

    def __init__(self, sent_at: Callable[[str], int]) -> None:
        self.live = Histogram()  # from sent to received, of what was pushed
        self._sent_at = sent_at
        self._runs: dict[bytes, tuple[Run, ...]] = {}
        self._seen: dict[tuple[str, int], tuple[Packet, Sighting]] = {}

    def get(self, payload: bytes) -> tuple[Run, ...] | None:
        """The runs in these very bytes, if some phone has had them before."""
        return self._runs.get(payload)

    def put(self, payload: bytes, pushes: list[Packet]) -> tuple[Run, ...]:
        """The runs of a frame that holds these `event` pushes, kept; the oldest make room."""
        runs = tuple(self.run(push) for push in pushes if push["events"])
        self._runs[payload] = runs
        if len(self._runs) > RUNS_MAX:
            self._settle(self._runs.pop(next(iter(self._runs))))
        return runs

    def run(self, push: Packet) -> Run:
        """The run of one `event` push that has events."""
        return Run(push["room"], [self.sighting(push["room"], event) for event in push["events"]])

    def sighting(self, room: str, event: Packet) -> Sighting:
        """One event of a push, a reply or an own ack; equal events have equal identities."""
        place = (room, event["seq"])
        seen = self._seen.get(place)
        if seen is not None and seen[0] == event:
            return seen[1]
        key = event.get("key", "")
        sighting = Sighting(
            event["seq"], identity(room, event), event.get("user", ""), key, self._sent_at(key) if key else 0
        )
        self._seen[place] = (event, sighting)
        if len(self._seen) > EVENTS_MAX:
            del self._seen[next(iter(self._seen))]
        return sighting

    def settle(self) -> None:
        """Counts the arrivals of all runs that are still kept."""
        for runs in self._runs.values():
            self._settle(runs)

    def _settle(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            run.settle(self.live)


def identity(room: str, event: Packet) -> int:
    """64 bits that stand for everything a phone shows of this event, and for its place in the room."""
    content = json.dumps([room, event], sort_keys=True, ensure_ascii=False).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
