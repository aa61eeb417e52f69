"""A device that only listens, as cheaply as it can: its bytes are compared with the stream of the room."""

from __future__ import annotations

from collections import Counter

from bench.codec import Packet, packets
from bench.engine.hearer import Hearer
from bench.engine.pump import Pump
from bench.engine.script import Letter
from bench.engine.stage import Heard, Stage
from bench.engine.stream import Follower, Stream
from bench.engine.witness import Witness
from bench.frames import header_bytes


class Room:
    """The stream of one room and the witness who decodes it."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.name = name
        self.witness: Witness = stage.witness(f"the stream of {name}")
        self.stream = Stream(self._decode, stage.record)
        self._unpack = stage.encoding.unpack

    def _decode(self, frame: bytes) -> tuple[int, list[Letter]]:
        letters: list[Letter] = []
        for packet in packets(self._unpack(payload(frame))):
            for event in packet["events"]:
                letter = self.witness.event(event)
                if letter is not None:
                    letters.append(letter)
        return self.witness.applied, letters


class Member(Hearer):
    """A hearer in step with the stream; out of step, by a lag or by a fault, he decodes for himself."""

    def __init__(self, pump: Pump, stage: Stage, number: int, room: Room) -> None:
        super().__init__(pump, stage, number, room.name)
        self.follower = Follower(room.stream, self._foreign)
        self._shared = room
        self._alone = False

    def welcome(self, reply: Packet) -> None:
        """From now on the bytes go to the follower."""
        super().welcome(reply)
        self._shared.witness.applied = self.witness.applied
        self.follower.begin(self.reader.rest)
        self.receive = self.follower.receive

    @property
    def in_step(self) -> bool:
        """Whether this member has everything the stream has."""
        if self._alone:
            return not self.witness.gap and self.witness.applied >= self._shared.witness.applied
        return self.follower.at_end

    def heard(self) -> Heard:
        """What this member has of the room."""
        if self._alone:
            return super().heard()
        return Heard(self.room, self._counts(), name=self.stage.script.user(self.number))

    def _counts(self) -> Counter[int]:
        """How many messages of each author are in the part of the stream that this member has."""
        counts = self._shared.witness.heard()
        counts.subtract(letter.author for push in self.follower.missing for letter in push.letters)
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
        events = [event for packet in batch for event in packet["events"]]
        first = self._shared.witness.applied + 1
        return [event["seq"] for event in events] == list(range(first, first + len(events)))

    def _leave(self) -> None:
        """Out of step: what was received so far is what the stream had up to here."""
        if not self._alone:
            self._alone = True
            self.follower.leave()
            self.witness.resume(self.follower.last or self.witness.applied, self._counts())

    def _rejoin(self) -> None:
        if not self._alone or self.repairing or self.witness.gap:
            return
        place = self._shared.stream.place_after(self.witness.applied)
        if place is not None:
            self._alone = False
            self.follower.join(place)


def payload(frame: bytes) -> bytes:
    """The payload of a whole server frame."""
    return frame[header_bytes(frame[1]) :]
