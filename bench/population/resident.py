"""A traveller who also writes, reads and types."""

from __future__ import annotations

import time
from collections import Counter, deque
from functools import partial

from bench.codec import Packet
from bench.engine.record import Record
from bench.engine.script import Letter
from bench.storm.traveller import Traveller, identity
from bench.storm.visit import Stage

BATCH_MAX = 16  # half of `limits.in_flight`


class Resident(Traveller):
    """One frame of sends is unanswered at most; what is in doubt after a cut goes out again with the same key."""

    def __init__(
        self, stage: Stage, number: int, rooms: list[str], record: Record, done: Counter[str]
    ) -> None:
        super().__init__(stage, number, rooms)
        self.rooms = rooms
        self.acked: dict[str, tuple[str, int]] = {}
        self.said = 0
        self._record = record
        self._done = done
        self._texts = stage.script.texts()
        self._cut_ns = 0
        self._waiting: deque[tuple[str, int, int]] = deque()  # room, number, due; not sent yet
        self._doubtful: deque[tuple[str, Letter]] = deque()  # sent, not answered, connection lost
        self._unanswered: dict[str, tuple[str, Letter]] = {}

    @property
    def done(self) -> bool:
        """Whether everything he said is acknowledged."""
        return len(self.acked) == self.said

    def text(self, key: str) -> str:
        """What the message with this key says."""
        letter = self.stage.script.letter(key)
        return "" if letter is None else self._texts.of(letter.author, letter.number)

    def messages(self, room: str, due_ns: int) -> None:
        """Says something."""
        self._waiting.append((room, self.said, due_ns))
        self.said += 1
        self._speak()

    def reads(self, room: str, due_ns: int) -> None:
        """Has read all he has of the room."""
        position = self.positions.get(room)
        if self.present and self.visit is not None and position is not None and position.applied:
            self.visit.ask({"type": "read", "room": room, "seq": position.applied}, self._told_read)

    def typing(self, room: str, due_ns: int) -> None:
        """Shows that he is typing."""
        if self.present and self.visit is not None:
            self.visit.write({"type": "typing", "room": room})
            self._done["typing"] += 1

    def churn(self, room: str, due_ns: int) -> None:
        """Loses his connection."""
        if self.present:
            self._done["churn"] += 1
            self._cut_ns = due_ns
            self.cut()

    def welcome(self, reply: Packet) -> None:
        """Back, with what was missed; what is in doubt goes out again."""
        super().welcome(reply)
        if self._cut_ns:
            self._record.resumed(self._cut_ns, time.perf_counter_ns())
            self._cut_ns = 0
        self._speak()

    def away(self) -> None:
        """All that is unanswered is in doubt."""
        super().away()
        self._doubtful.extendleft(reversed(self._unanswered.values()))
        self._unanswered = {}

    def seen(self, event: Packet) -> None:
        """Somebody's message."""
        letter = self.stage.script.letter(event.get("key", ""))
        if letter is not None:
            self._record.delivered(letter, time.perf_counter_ns())

    def _speak(self) -> None:
        if self.visit is None or not self.present or self._unanswered:
            return
        frame: list[Packet] = []
        while len(frame) < BATCH_MAX and self._doubtful:
            frame.append(self._packet(*self._doubtful.popleft()))
        while len(frame) < BATCH_MAX and self._waiting:
            room, number, due_ns = self._waiting.popleft()
            letter = Letter(self.number, number, due_ns, time.perf_counter_ns())
            self._record.sent(letter)
            frame.append(self._packet(room, letter))
        if frame:
            self.visit.write(frame if len(frame) > 1 else frame[0])

    def _packet(self, room: str, letter: Letter) -> Packet:
        assert self.visit is not None
        key = self.stage.script.key(letter)
        self._unanswered[key] = (room, letter)
        body = {"text": self._texts.of(letter.author, letter.number)}
        packet: Packet = {"type": "send", "room": room, "key": key, "body": body}
        return self.visit.numbered(packet, partial(self._answered, key, packet))

    def _answered(self, key: str, packet: Packet, reply: Packet) -> None:
        room, letter = self._unanswered.pop(key)
        if reply["type"] == "ok":
            self.acked[key] = (room, reply["seq"])
            self._record.acked(letter, time.perf_counter_ns())
            if not reply.get("duplicate"):
                event = {**packet, **reply, "user": self.user}
                self.own(room, event)
        elif reply.get("retry") == "later":
            self._doubtful.append((room, letter))
        else:
            self.stage.tally.add("unacked", f"{key} was refused: {reply['code']}")
        if not self._unanswered:
            wait_ns = reply.get("retry_after", 0) * 1_000_000
            self.stage.pump.call_at(time.perf_counter_ns() + wait_ns, self._speak)

    def own(self, room: str, event: Packet) -> None:
        """An own message, which its ack told instead of a push."""
        self.positions[room].pushed(event["seq"], identity(room, event))
        self._repair(room)

    def _told_read(self, reply: Packet) -> None:
        self._done["reads" if reply["type"] == "ok" else f"read: {reply['code']}"] += 1
