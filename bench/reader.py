"""The receiving half of a person: pushes in, positions kept, gaps repaired (protocol.md "Delivery and gap repair")."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial

from bench.codec import Encoding, Packet, packets
from bench.figures import Figures
from bench.phone import LOST, Phone
from bench.replica import Fate, Position
from bench.runs import Run, Runs, Sighting

GAP_S = 0.5  # how long a gap may close by itself (protocol.md "Positions, gaps and repair")
RETRY_S = 0.25  # a `log` that was refused for now and named no time


class Reader:
    """The replicas of one person, over all connections of his life."""

    def __init__(self, user: str, rooms: Iterable[str], runs: Runs, figures: Figures) -> None:
        self.user = user
        self.positions: dict[str, Position] = {}
        self.on_own: Callable[[str, Sighting], None] | None = None  # set while an own send is in doubt
        self.on_repaired: Callable[[], None] = lambda: None
        self._rooms = frozenset(rooms)
        self._runs = runs
        self.figures = figures
        self._phone: Phone | None = None
        self._unpack: Callable[[bytes], object]
        self._asking: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def behind(self) -> bool:
        """Whether some room is known to hold more than is applied."""
        return any(position.behind for position in self.positions.values())

    @property
    def resumed(self) -> bool:
        """Whether everything that the last hello told of is applied."""
        return all(position.applied >= position.snapshot for position in self.positions.values())

    def connected(self, phone: Phone, encoding: Encoding) -> None:
        """A new connection, before its hello."""
        self.lost()
        self._phone = phone
        self._unpack = encoding.unpack
        phone.on_payload = self.payload

    def lost(self) -> None:
        """The connection is gone, and with it what was asked on it."""
        self._phone = None
        self._asking.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for position in self.positions.values():
            position.connected()

    def summaries(self, summaries: list[Packet]) -> None:
        """Rooms of a SyncPage: the first time where to start, later where to get to."""
        for summary in summaries:
            room, seq = summary["room"], summary.get("seq", 0)
            if room not in self._rooms:
                continue
            position = self.positions.get(room)
            if position is None:
                self.positions[room] = Position(seq)
                continue
            position.told(seq)
            self._apply(room, position, summary.get("events", []))
            self._repair(room)

    def payload(self, payload: bytes) -> None:
        """One data message of the connection."""
        runs = self._runs.get(payload)
        if runs is None:
            self._decode(payload)
            return
        now_ns = time.perf_counter_ns()
        for run in runs:
            self._take(run, now_ns)

    def push(self, packet: Packet) -> None:
        """A push that is not an event; what this reader does not know it ignores."""
        route = _ROUTES.get(packet["type"])
        if route is not None:
            route(self, packet)

    def acked(self, room: str, event: Packet) -> None:
        """An own message as its ack tells it: it stands where the push would have been."""
        self._event(room, self.positions[room], self._runs.sighting(room, event))

    def _decode(self, payload: bytes) -> None:
        contents = packets(self._unpack(payload))
        if all(packet["type"] == "event" for packet in contents):
            now_ns = time.perf_counter_ns()
            for run in self._runs.put(payload, contents):
                self._take(run, now_ns)
            return
        for packet in contents:
            if packet["type"] != "event":
                assert self._phone is not None
                self._phone.route(packet)
            elif packet["events"]:
                self._take_alone(packet)

    def _take_alone(self, push: Packet) -> None:
        """An event push in a frame with replies, which only this connection gets."""
        run = self._runs.run(push)
        self._take(run, time.perf_counter_ns())
        run.settle(self._runs.live)

    def _take(self, run: Run, now_ns: int) -> None:
        position = self.positions.get(run.room)
        if position is None:
            self.figures.tally.add("misrouted", f"{self.user} got {run.room} {run.last}", len(run.events))
            return
        if position.run(run):
            run.arrived(now_ns)
            self.figures.pushes += 1
            self.figures.pushed += run.messages
        else:
            self._each(run, position, now_ns)
        if self.on_own is not None and self.user in run.authors:
            self._own(run.room, run.events)

    def _each(self, run: Run, position: Position, now_ns: int) -> None:
        self.figures.pushes += 1
        for sighting in run.events:
            fate = self._event(run.room, position, sighting)
            if sighting.sent_ns and fate in (Fate.APPLIED, Fate.BUFFERED):
                self._runs.live.record(now_ns - sighting.sent_ns)
                self.figures.pushed += 1

    def _event(self, room: str, position: Position, sighting: Sighting) -> Fate:
        fate = position.pushed(sighting.seq, sighting.identity)
        if fate is Fate.BUFFERED and room not in self._timers:
            self._timers[room] = asyncio.get_running_loop().call_later(GAP_S, self._gap, room)
        elif fate is not Fate.APPLIED:
            self.figures.tally.live(fate, f"{room} {sighting.seq} to {self.user}")
        return fate

    def _own(self, room: str, sightings: Iterable[Sighting]) -> None:
        for sighting in sightings:
            if sighting.user == self.user and self.on_own is not None:
                self.on_own(room, sighting)

    def _apply(self, room: str, position: Position, events: list[Packet]) -> None:
        now_ns = time.perf_counter_ns()
        for event in events:
            sighting = self._runs.sighting(room, event)
            if position.repaired(sighting.seq, sighting.identity) and sighting.sent_ns:
                self.figures.repairs.record(now_ns - sighting.sent_ns)
                self.figures.repaired += 1
            self._own(room, (sighting,))

    def _head(self, push: Packet) -> None:
        for moved in push["rooms"]:
            if position := self.positions.get(moved["room"]):
                position.moved(moved["seq"])
                self._repair(moved["room"])

    def _stray(self, reply: Packet) -> None:
        self.figures.tally.add("misrouted", f"{self.user} got a reply he did not ask for: {reply}")

    def _gap(self, room: str) -> None:
        self._timers.pop(room, None)
        self._repair(room)

    def _repair(self, room: str) -> None:
        """Asks for what is missing; one question at a time for each room."""
        position = self.positions[room]
        if self._phone is None or room in self._asking or not position.behind:
            return
        self._asking.add(room)
        request = {"type": "log", "room": room, "from": position.applied + 1, "to": position.head}
        self._phone.ask(request, partial(self._logged, room))

    def _logged(self, room: str, reply: Packet) -> None:
        if reply is LOST:
            return
        self._asking.discard(room)
        position, before = self.positions[room], self.positions[room].applied
        self._apply(room, position, reply.get("events", []))
        if position.applied > before:
            self._repair(room)
        elif position.behind:
            wait_s = reply.get("retry_after", 0) / 1000 or RETRY_S
            asyncio.get_running_loop().call_later(wait_s, self._repair, room)
        self.on_repaired()


_ROUTES: dict[str, Callable[[Reader, Packet], None]] = {
    "head": Reader._head,
    "ok": Reader._stray,
    "error": Reader._stray,
}
