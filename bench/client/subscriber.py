"""Devices with one room on the screen: those that decode and check every event, those that compare bytes, authors."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from bench.checks import Tally
from bench.client.device import Device
from bench.client.sender import Message, Sender
from bench.client.stream import Follower, Stream
from bench.engine.record import MessageId, Script
from bench.engine.run_state import Heard, RunState, Said
from bench.wire import Packet, header_bytes, packets


class SequenceChecker:
    """Follows the log of a room from `applied` on; what does not fit is counted in the tally.

    Missing messages are not counted here: they may still come, and the authors know what they wrote (`Report`).
    """

    def __init__(self, script: Script, tally: Tally, name: str) -> None:
        self.applied = 0
        self._next: dict[int, int] = {}  # author -> the number of their next message
        self._skipped: set[tuple[int, int]] = set()  # author and number
        self._gaps: set[int] = set()
        self._script = script
        self._tally = tally
        self._name = name

    def resume(self, applied: int, numbers: Mapping[int, int]) -> None:
        """Goes on behind this place of the log, with so many messages of each author seen."""
        self.applied = applied
        self._next = dict(numbers)
        self._skipped.clear()
        self._gaps.clear()

    @property
    def gap(self) -> int:
        """The first place that is missing below `applied`; 0 when there is none."""
        return min(self._gaps, default=0)

    @property
    def gaps(self) -> int:
        return len(self._gaps)

    def event(self, event: Packet, *, repaired: bool = False) -> MessageId | None:
        """One event; its message when it is a message of this run that was not seen before.

        `repaired`: it came by `log`, so that it may be known already, and a gap may be closed.
        """
        if not self._place(event["seq"], repaired):
            return None
        message = self._script.message(event.get("key", ""))
        if message is None:
            return None
        said = event.get("body", {}).get("text"), event.get("user")
        author = message.author
        if said != (self._script.text(author, message.number), self._script.user(author)):
            self._tally.add("altered", f"{self._name} {event['seq']} is not what was written")
        self._number(message, repaired)
        return message

    def own(self, seq: int, message: MessageId) -> None:
        if self._place(seq, False):
            self._number(message, False)

    def heard(self) -> Counter[int]:
        skipped = Counter(author for author, _ in self._skipped)
        return Counter({author: number - skipped[author] for author, number in self._next.items()})

    def _place(self, seq: int, repaired: bool) -> bool:
        if seq == self.applied + 1:
            self.applied = seq
            return True
        if seq > self.applied:
            self._gaps.update(range(self.applied + 1, seq))
            self.applied = seq
            return True
        if seq in self._gaps:
            self._gaps.discard(seq)
            if not repaired:
                self._tally.add("reordered", f"{self._name} {seq} came after {self.applied}")
            return True
        if not repaired:
            self._tally.add("duplicated", f"{self._name} {seq} came again after {self.applied}")
        return False

    def _number(self, message: MessageId, repaired: bool) -> None:
        author, number, _, _ = message
        wanted = self._next.get(author, 0)
        if number >= wanted:
            self._skipped.update((author, skipped) for skipped in range(wanted, number))
            self._next[author] = number + 1
        elif (author, number) in self._skipped:
            self._skipped.discard((author, number))
            if not repaired:
                self._tally.add("reordered", f"{self._name}: {number} of {author} behind later ones")
        else:
            self._tally.add("duplicated", f"{self._name}: {number} of {author} is there twice")


RETRY_NS = 250_000_000  # a `log` that was refused for now is asked again


class Subscriber(Device):
    """User `number` of the run. What a lag left out is asked for with `log`."""

    def __init__(self, state: RunState, number: int, room: str) -> None:
        name = state.script.user(number)
        super().__init__(state, state.access.hello(name, state.script.device(number), focus=[room]), name)
        self.number = number
        self.room = room
        self.checker = SequenceChecker(state.script, state.tally, self.name)
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


class RoomStream:
    def __init__(self, state: RunState, name: str) -> None:
        self.name = name
        self.checker = SequenceChecker(state.script, state.tally, f"the stream of {name}")
        self.stream = Stream(self._decode, state.record)
        self._unpack = state.encoding.unpack

    def _decode(self, frame: bytes) -> tuple[int, list[MessageId]]:
        events = (event for packet in packets(self._unpack(payload(frame))) for event in packet["events"])
        messages = [message for event in events if (message := self.checker.event(event)) is not None]
        return self.checker.applied, messages


class FastSubscriber(Subscriber):
    """A subscriber in step with the stream; out of step, by a lag or by a fault, it decodes for itself."""

    def __init__(self, state: RunState, number: int, room: RoomStream) -> None:
        super().__init__(state, number, room.name)
        self.follower = Follower(room.stream, self._foreign)
        self._shared = room
        self._alone = False

    def welcome(self, reply: Packet) -> None:
        super().welcome(reply)
        self._shared.checker.applied = self.checker.applied
        self.follower.begin(self.reader.rest)
        self.receive = self.follower.receive

    @property
    def in_step(self) -> bool:
        if self._alone:
            return not self.checker.gap and self.checker.applied >= self._shared.checker.applied
        return self.follower.at_end

    def heard(self) -> Heard:
        return super().heard() if self._alone else Heard(self.room, self._counts(), name=self.name)

    def _counts(self) -> Counter[int]:
        counts = self._shared.checker.heard()
        counts.subtract(message.author for push in self.follower.missing for message in push.messages)
        return counts

    def _foreign(self, frame: bytes, at_end: bool) -> bool:
        opcode, content = frame[0] & 0x0F, payload(frame)
        if opcode != self.encoding.opcode:
            self.control(opcode, content)
            return False
        batch = packets(self.encoding.unpack(content))
        ours = all(packet["type"] == "event" and packet["room"] == self.room for packet in batch)
        if ours and at_end and not self._alone:
            first, seqs = (
                self._shared.checker.applied + 1,
                [e["seq"] for packet in batch for e in packet["events"]],
            )
            if seqs == list(range(first, first + len(seqs))):
                return True
        if any(packet["type"] in ("event", "head") for packet in batch):
            self._leave()
        for packet in batch:
            self.route(packet)
        self._rejoin()
        return False

    def _leave(self) -> None:
        """Out of step: everything received so far is what the stream had up to here."""
        if not self._alone:
            self._alone = True
            self.follower.leave()
            self.checker.resume(self.follower.last or self.checker.applied, self._counts())

    def _rejoin(self) -> None:
        if not self._alone or self.repairing or self.checker.gap:
            return
        place = self._shared.stream.place_after(self.checker.applied)
        if place is not None:
            self._alone = False
            self.follower.join(place)


def payload(frame: bytes) -> bytes:
    return frame[header_bytes(frame[1]) :]
