"""The sending half of a person: one outbox a room, acks matched, what is in doubt sent again as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from bench.codec import Packet
from bench.outbox import Outbox
from bench.pace import Pace
from bench.phone import LOST, Phone
from bench.reader import Reader
from bench.runs import Sighting
from bench.trace import Message

RETRY_MS = 50  # a send that may be repeated and named no time


class Writer:
    """Everything one person has to say, over all connections of his life."""

    def __init__(self, reader: Reader, rooms: Iterable[str], pace: Pace) -> None:
        self._reader = reader
        self._pace = pace
        self._figures = reader.figures
        self._phone: Phone | None = None
        self._outboxes = {room: Outbox() for room in rooms}
        self._waits_ms: dict[str, int] = {}
        self._tried: set[int] = set()

    def say(self, room: str, message: Message) -> None:
        """Sends the message, now or when what is before it is answered."""
        self._outboxes[room].put(message)
        self._flush(room)

    def connected(self, phone: Phone) -> None:
        """Hello is answered: everything that is in doubt goes out again."""
        self._phone = phone
        for room in self._outboxes:
            self._flush(room)

    def lost(self) -> None:
        """The connection is gone; its unanswered sends have come back as LOST."""
        self._phone = None
        doubtful = any(outbox.doubtful for outbox in self._outboxes.values())
        self._reader.on_own = self._found if doubtful else None

    def _flush(self, room: str) -> None:
        if self._phone is None or not self._phone.alive:
            return
        sends = [self._numbered(self._phone, room, message) for message in self._outboxes[room].take_frame()]
        if sends:
            self._phone.write(sends[0] if len(sends) == 1 else sends)

    def _numbered(self, phone: Phone, room: str, message: Message) -> Packet:
        if message.place in self._tried:
            self._figures.retries += 1
        self._tried.add(message.place)
        body = {"text": message.text}
        send = {"type": "send", "room": room, "key": self._pace.key(message), "body": body}
        return phone.numbered(send, partial(self._replied, room, message))

    def _replied(self, room: str, message: Message, reply: Packet) -> None:
        if reply["type"] == "ok":
            self._tried.discard(message.place)
            self._acked(room, message, reply)
            again = False
        elif reply.get("retry", "never") == "never":
            self._figures.tally.add("unacked", f"{self._pace.key(message)} was refused: {reply.get('code')}")
            self._pace.refused(message.place)
            again = False
        else:
            again = True
            if reply is LOST:
                self._phone = None
            else:
                wait_ms = max(RETRY_MS, reply.get("retry_after", 0))
                self._waits_ms[room] = max(wait_ms, self._waits_ms.get(room, 0))
        if self._outboxes[room].answered(message, again=again):
            self._next(room)

    def _acked(self, room: str, message: Message, reply: Packet) -> None:
        self._pace.answered(message.place)
        if reply.get("duplicate"):
            return  # its event came, or will come, as a push or with the log
        event = {
            "seq": reply["seq"],
            "kind": "message",
            "user": self._reader.user,
            "time": reply["time"],
            "ordinal": reply["ordinal"],
            "key": self._pace.key(message),
            "body": {"text": message.text},
        }
        self._reader.acked(room, event)

    def _next(self, room: str) -> None:
        wait_ms = self._waits_ms.pop(room, 0)
        if wait_ms:
            asyncio.get_running_loop().call_later(wait_ms / 1000, self._flush, room)
        else:
            self._flush(room)

    def _found(self, room: str, sighting: Sighting) -> None:
        """An own event without an ack: it was stored before the connection went."""
        place = self._pace.place(sighting.key)
        if place is not None and self._outboxes[room].found(place):
            self._tried.discard(place)
            self._pace.answered(place)
