"""A guest who reads: positions in all his rooms, and what he missed made good by hello and `log`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from bench.codec import Packet
from bench.engine.record import SECOND_NS
from bench.replica import Fate, Position
from bench.storm.visit import Guest, Stage

INLINE_MAX = 50  # events a room in the reply to hello (protocol.md "hello"): all of a short absence
RETRY_NS = SECOND_NS // 4  # a `log` that was refused for now and named no time


class Traveller(Guest):
    """What he has of each room is a place and a sum of identities, to be compared with the log at the end."""

    def __init__(self, stage: Stage, number: int, rooms: list[str]) -> None:
        super().__init__(stage, number)
        self.positions: dict[str, Position] = {}
        self.repaired = 0  # events that came by `log`
        self._rooms = frozenset(rooms)
        self._pages = min(200, max(30, len(rooms)))  # `limits.page`; 30 is the default
        self._since: Packet = {}
        self._asking: set[str] = set()

    @property
    def behind(self) -> bool:
        """Whether he knows of something that he does not have."""
        return not self.present or any(position.behind for position in self.positions.values())

    def has(self, heads: dict[str, int]) -> bool:
        """Whether he has everything up to these places."""
        return self.present and all(at.applied >= heads.get(room, 0) for room, at in self.positions.items())

    def hello(self) -> Packet:
        """With the cursor, and the wish for everything missed."""
        more = {"events": INLINE_MAX, **self._since} if self._since else {}
        device = self.stage.script.device(self.number)
        return self.stage.access.hello(self.user, device, rooms=self._pages, **more)

    def welcome(self, reply: Packet) -> None:
        """The first page; further ones are asked for."""
        for position in self.positions.values():
            position.connected()
        self._since = {"epoch": reply["epoch"]} | {
            key: value for key, value in self._since.items() if key == "cursor"
        }
        self._page(reply["sync"])

    def push(self, packet: Packet) -> None:
        """Events and heads; the rest is not about the log."""
        handle = _PUSHES.get(packet["type"])
        if handle is not None:
            handle(self, packet)

    def seen(self, event: Packet) -> None:
        """A live event, for the first time."""

    def away(self) -> None:
        """What was asked will not be answered."""
        self._asking.clear()

    def _page(self, page: Packet) -> None:
        for summary in page["rooms"]:
            self._told(summary)
        if "more" in page:
            assert self.visit is not None
            self.visit.ask({"type": "sync", "more": page["more"]}, self._paged)
        else:
            self._since["cursor"] = page["cursor"]

    def _paged(self, reply: Packet) -> None:
        if reply["type"] == "ok":
            self._page(reply)
        else:
            self.stage.failures[f"sync: {reply['code']}"] += 1
            self.cut()

    def _told(self, summary: Packet) -> None:
        room, seq = summary["room"], summary.get("seq", 0)
        if room not in self._rooms:
            self.stage.tally.add("misrouted", f"{self.user} is told of {room}")
            return
        position = self.positions.get(room)
        if position is None:
            self.positions[room] = Position(seq)
            return
        position.told(seq)
        for event in summary.get("events", ()):
            position.repaired(event["seq"], identity(room, event))
        self._repair(room)

    def _events(self, push: Packet) -> None:
        room = push["room"]
        position = self.positions.get(room)
        if position is None:
            self.stage.tally.add("misrouted", f"{self.user} got events of {room}", len(push["events"]))
            return
        for event in push["events"]:
            fate = position.pushed(event["seq"], identity(room, event))
            if fate in (Fate.APPLIED, Fate.BUFFERED):
                self.seen(event)
            if fate is Fate.BUFFERED:
                self._repair(room)
            elif fate is not Fate.APPLIED:
                self.stage.tally.live(fate, f"{room} {event['seq']} to {self.user}")

    def _heads(self, push: Packet) -> None:
        for moved in push["rooms"]:
            position = self.positions.get(moved["room"])
            if position is not None:
                position.moved(moved["seq"])
                self._repair(moved["room"])

    def _repair(self, room: str) -> None:
        position = self.positions[room]
        if self.visit is None or room in self._asking or not position.behind:
            return
        self._asking.add(room)
        request: Packet = {"type": "log", "room": room, "from": position.applied + 1, "to": position.head}
        self.visit.ask(request, partial(self._logged, room))

    def _logged(self, room: str, reply: Packet) -> None:
        self._asking.discard(room)
        position, before = self.positions[room], self.positions[room].applied
        for event in reply.get("events", ()):
            self.repaired += position.repaired(event["seq"], identity(room, event))
        if position.applied > before:
            self._repair(room)
        else:
            wait_ns = reply.get("retry_after", 0) * 1_000_000 or RETRY_NS
            self.stage.pump.call_at(time.perf_counter_ns() + wait_ns, partial(self._repair, room))


_PUSHES: dict[str, Callable[[Traveller, Packet], None]] = {
    "event": Traveller._events,
    "head": Traveller._heads,
}


def identity(room: str, event: Packet) -> int:
    """64 bits for everything that is shown of a message; equal within one process only."""
    text = event.get("body", {}).get("text")
    known = (
        room,
        event["seq"],
        event.get("user"),
        event.get("key"),
        event["time"],
        event.get("ordinal"),
        text,
    )
    return hash(known)
