"""A device with one room on the screen: every packet decoded, every event checked, and an author, who also writes."""

import time
from collections.abc import Callable
from functools import partial

from bench.client.device import Device
from bench.client.sender import Message, Sender
from bench.client.sequence_checker import SequenceChecker
from bench.codec import Packet
from bench.engine.run_state import Heard, RunState, Said

RETRY_NS = 250_000_000  # a `log` that was refused for now is asked again


class Subscriber(Device):
    """User `number` of the run. What a lag left out is asked for with `log`."""

    def __init__(self, state: RunState, number: int, room: str) -> None:
        self.name = state.script.user(number)
        super().__init__(state, state.access.hello(self.name, state.script.device(number), focus=[room]))
        self.number = number
        self.room = room
        self.checker = SequenceChecker(state.script, state.texts, state.tally, self.name)
        self.received = 0  # live messages of others
        self.repairing = False  # a `log` is under way

    def welcome(self, reply: Packet) -> None:
        for summary in reply["sync"]["rooms"]:
            if summary["room"] == self.room:
                self.checker.applied = summary.get("seq", 0)

    def push(self, packet: Packet) -> None:
        handle = _PUSHES.get(packet["type"])
        if handle is not None:
            handle(self, packet)

    def heard(self) -> Heard:
        return Heard(self.room, self.checker.heard(), self.checker.gaps, name=self.name)

    def garbled(self, fault: str) -> None:
        self.state.tally.add("altered", f"{self.number} got what cannot be read: {fault}")
        super().garbled(fault)

    def _events(self, push: Packet) -> None:
        if push["room"] != self.room:
            count = len(push["events"])
            self.state.tally.add("misrouted", f"{self.number} got events of {push['room']}", count)
            return
        now_ns = time.perf_counter_ns()
        for event in push["events"]:
            message = self.checker.event(event)
            if message is not None:
                self.received += 1
                self.state.record.delivered(message, now_ns)

    def _heads(self, push: Packet) -> None:
        for room in push["rooms"]:
            if room["room"] == self.room and room["seq"] > self.checker.applied and not self.repairing:
                self.repairing = True
                self._repair(self.checker.gap or self.checker.applied + 1, room["seq"])

    def _stray(self, reply: Packet) -> None:
        self.state.tally.add("misrouted", f"{self.number} got a reply to nothing: {reply}")

    def _repair(self, first: int, last: int) -> None:
        request: Packet = {"type": "log", "room": self.room, "from": first, "to": last}
        self.ask(request, partial(self._logged, first, last))

    def _logged(self, first: int, last: int, reply: Packet) -> None:
        if reply["type"] != "ok":
            self.poller.call_at(time.perf_counter_ns() + RETRY_NS, partial(self._repair, first, last))
            return
        for event in reply["events"]:
            self.checker.event(event, repaired=True)
        if "next" in reply:
            self._repair(reply["next"], last)
        else:
            self.repairing = False


# The functions themselves: a subclass that does something else with what it hears overrides `push`, not one of these.
_PUSHES: dict[str, Callable[[Subscriber, Packet], None]] = {
    "event": Subscriber._events,
    "head": Subscriber._heads,
    "ok": Subscriber._stray,
    "error": Subscriber._stray,
}


class Author(Subscriber):
    """A subscriber who says something whenever it is due, or as long as the loop is closed."""

    def __init__(self, state: RunState, number: int, room: str) -> None:
        super().__init__(state, number, room)
        self.sender = Sender(state, number, state.record, self._acked)
        self.sender.connection = self

    def said(self) -> Said:
        return Said(self.room, self.number, self.sender.said, self.sender.acked)

    def begin_closed(self, in_flight: int) -> None:
        now_ns = time.perf_counter_ns()
        for _ in range(in_flight):
            self.sender.put(self.room, now_ns)
        self.sender.flush()

    def due(self, due_ns: int) -> None:
        self.sender.put(self.room, due_ns)
        self.sender.flush()

    def gone(self, reason: str) -> None:
        self.sender.give_up()

    def _acked(self, message: Message, reply: Packet, now_ns: int) -> None:
        self.checker.own(reply["seq"], message.id)
        if self.state.goes_on(now_ns):
            self.sender.put(self.room, now_ns)
