"""A device that listens to one room: every packet decoded, every event proved, what a lag left out asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from bench.codec import Packet
from bench.engine.device import Device
from bench.engine.pump import Pump
from bench.engine.stage import Heard, Stage
from bench.engine.witness import Witness

RETRY_NS = 250_000_000  # a `log` that was refused for now is asked again


class Hearer(Device):
    """User `number` of the run with one room on the screen."""

    def __init__(self, pump: Pump, stage: Stage, number: int, room: str) -> None:
        script = stage.script
        hello = stage.access.hello(script.user(number), script.device(number), focus=[room])
        super().__init__(pump, stage.access, stage.gate, hello)
        self.stage = stage
        self.number = number
        self.room = room
        self.witness: Witness = stage.witness(script.user(number))
        self.received = 0  # live messages of others
        self.repairing = False  # a `log` is under way

    def welcome(self, reply: Packet) -> None:
        """Starts where the room is."""
        for summary in reply["sync"]["rooms"]:
            if summary["room"] == self.room:
                self.witness.applied = summary.get("seq", 0)

    def push(self, packet: Packet) -> None:
        """Events and heads; the rest is not about the log."""
        handle = _PUSHES.get(packet["type"])
        if handle is not None:
            handle(self, packet)

    def heard(self) -> Heard:
        """What this device has of the room."""
        witness = self.witness
        return Heard(self.room, witness.heard(), witness.gaps, name=self.stage.script.user(self.number))

    def events(self, push: Packet) -> None:
        """Live events."""
        if push["room"] != self.room:
            count = len(push["events"])
            self.stage.tally.add("misrouted", f"{self.number} got events of {push['room']}", count)
            return
        now_ns = time.perf_counter_ns()
        for event in push["events"]:
            letter = self.witness.event(event)
            if letter is not None:
                self.received += 1
                self.stage.record.delivered(letter, now_ns)

    def moved(self, push: Packet) -> None:
        """A room is further than was pushed: this device lagged."""
        for room in push["rooms"]:
            if room["room"] == self.room and room["seq"] > self.witness.applied and not self.repairing:
                self.repairing = True
                self._repair(self.witness.gap or self.witness.applied + 1, room["seq"])

    def garbled(self, fault: str) -> None:
        """It said something that nobody can read."""
        self.stage.tally.add("altered", f"{self.number} got what cannot be read: {fault}")
        super().garbled(fault)

    def stray(self, reply: Packet) -> None:
        """A reply nobody asked for."""
        self.stage.tally.add("misrouted", f"{self.number} got a reply he did not ask for: {reply}")

    def _repair(self, first: int, last: int) -> None:
        request: Packet = {"type": "log", "room": self.room, "from": first, "to": last}
        self.ask(request, partial(self._logged, first, last))

    def _logged(self, first: int, last: int, reply: Packet) -> None:
        if reply["type"] != "ok":
            self.pump.call_at(time.perf_counter_ns() + RETRY_NS, partial(self._repair, first, last))
            return
        for event in reply["events"]:
            self.witness.event(event, repaired=True)
        if "next" in reply:
            self._repair(reply["next"], last)
        else:
            self.repairing = False


# The functions themselves: whoever does something else with what he hears overrides `push`, not one of these.
_PUSHES: dict[str, Callable[[Hearer, Packet], None]] = {
    "event": Hearer.events,
    "head": Hearer.moved,
    "ok": Hearer.stray,
    "error": Hearer.stray,
}
