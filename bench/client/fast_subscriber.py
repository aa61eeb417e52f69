"""A device that only listens, as cheaply as it can: its bytes are compared with the stream of the room."""

from collections import Counter

from bench.client.sequence_checker import SequenceChecker
from bench.client.stream import Follower, Stream
from bench.client.subscriber import Subscriber
from bench.codec import Packet, packets
from bench.engine.run_state import Heard, RunState
from bench.engine.script import MessageId
from bench.frames import header_bytes


class RoomStream:
    """The stream of one room and the checker that decodes it."""

    def __init__(self, state: RunState, name: str) -> None:
        self.name = name
        self.checker = SequenceChecker(state.script, state.texts, state.tally, f"the stream of {name}")
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
        """How many messages of each author are in the part of the stream that this subscriber has."""
        counts = self._shared.checker.heard()
        counts.subtract(message.author for push in self.follower.missing for message in push.messages)
        return counts

    def _foreign(self, frame: bytes, at_end: bool) -> bool:
        """One frame that is not the stream's next; true when the stream goes on with it."""
        opcode, content = frame[0] & 0x0F, payload(frame)
        if opcode != self.encoding.opcode:
            self.control(opcode, content)
            return False
        batch = packets(self.encoding.unpack(content))
        ours = all(packet["type"] == "event" and packet["room"] == self.room for packet in batch)
        if ours and at_end and not self._alone and self._continues(batch):
            return True
        if any(packet["type"] in ("event", "head") for packet in batch):
            self._leave()
        for packet in batch:
            self.route(packet)
        self._rejoin()
        return False

    def _continues(self, batch: list[Packet]) -> bool:
        seqs = [event["seq"] for packet in batch for event in packet["events"]]
        first = self._shared.checker.applied + 1
        return seqs == list(range(first, first + len(seqs)))

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
