"""The unread numbers that one connection was sent: each compared with the log, and with those before it."""

from collections.abc import Iterator

from tests.simulation.history import Conversation, Packet, Truth
from tests.simulation.positions import summaries


class Counters:
    """The known ordinals: `_told` has by room the highest one that this connection knows of."""

    def __init__(self, said: Conversation, truth: Truth) -> None:
        self._said = said
        self._rooms = truth.rooms
        self._gone = truth.gone
        self._requests = {asked.packet["id"]: asked.packet for asked in said.asked if "id" in asked.packet}
        self._told: dict[str, int] = {}

    def wrong(self) -> Iterator[str]:
        """Return, as sentences, the counters that are older than those before them, or that differ from the log."""
        for received in self._said.received:
            packet = received.packet
            for room, counter in self._counters(packet):
                yield from self._judge(room, counter)
            for room, ordinal in self._numbers(packet):
                self._told[room] = max(ordinal, self._told.get(room, 0))
            for room in packet.get("sync", packet).get("gone", ()):
                self._told.pop(room, None)
            if packet["type"] == "gone":
                self._told.pop(packet["room"], None)

    def _judge(self, room: str, counter: Packet) -> Iterator[str]:
        ordinal, read, unread = (counter.get(key, 0) for key in ("ordinal", "read", "unread"))
        if ordinal < self._told.get(room, 0):
            yield f"{self._said.client}: {counter} of {room}, behind message {self._told[room]}"
        counted = [
            seq
            for seq, row in self._rooms.get(room, {}).items()
            if max(read + 1, counter.get("first_visible", 1)) <= seq
            and row.event.get("ordinal", ordinal + 1) <= ordinal
            and row.event.get("user") != self._said.user
            and self._said.user not in row.ignored
        ]
        # Some of them may have gone since, as they were old.
        left = [seq for seq in counted if seq not in self._gone.get(room, ())]
        if not len(left) <= unread <= len(counted):
            yield f"{self._said.client}: {counter} of {room}, where {counted} are unread"

    def _counters(self, packet: Packet) -> Iterator[tuple[str, Packet]]:
        if packet["type"] == "position":
            yield packet["room"], packet
        elif packet["type"] == "ok" and "unread" in packet:
            yield self._requests[packet["id"]]["room"], packet
        elif packet["type"] == "ok" and "summary" in packet:
            yield packet["summary"]["room"], packet["summary"]
        elif packet["type"] != "head":
            for summary in summaries(packet):
                yield summary["room"], summary

    def _numbers(self, packet: Packet) -> Iterator[tuple[str, int]]:
        """Yield the ordinals in a packet: of events, heads, acknowledgements, and counters themselves."""
        if packet["type"] == "event":
            for event in packet["events"]:
                yield packet["room"], event.get("ordinal", 0)
        elif packet["type"] == "head":
            for head in packet["rooms"]:
                yield head["room"], head["ordinal"]
        elif self._requests.get(packet.get("id", 0), {}).get("type") in ("send", "forward"):
            yield self._requests[packet["id"]]["room"], packet.get("ordinal", 0)
        for room, counter in self._counters(packet):
            yield room, counter.get("ordinal", 0)
