"""The promises of protocol.md "Envelope" and "Positions, gaps and repair", checked on every packet."""

from tests.kit import packet_schemas
from tests.kit.client_socket import Packet


class BrokenPromise(AssertionError):
    """The server broke a rule that holds on every connection, whatever the test is about."""


class Promises:
    """The checks: replies answer open requests once, no room goes back in `seq`, nothing follows `bye` or `gone`."""

    def __init__(self) -> None:
        self._open_requests: dict[int, Packet] = {}
        # The highest seq of each room shown by an event or an ack.
        self._applied: dict[str, int] = {}
        # The highest seq of each room shown at all.
        self._heads: dict[str, int] = {}
        self._left: set[str] = set()
        self._said_bye = False

    def asked(self, packet: Packet) -> None:
        """Remember a request, so that its reply can be checked."""
        self._open_requests[packet["id"]] = packet

    def hear(self, packet: Packet) -> None:
        """Check one packet of the server; raises BrokenPromise or Misshapen."""
        if self._said_bye:
            raise BrokenPromise(f"after bye: {packet!r}")
        if "id" in packet:
            self._hear_reply(packet)
            return
        packet_schemas.check_push(packet)
        checks = {
            "event": self._hear_events,
            "head": self._hear_heads,
            "room": self._hear_room,
            "gone": self._hear_gone,
            "bye": self._hear_bye,
        }
        if check := checks.get(packet["type"]):
            check(packet)

    def _hear_reply(self, packet: Packet) -> None:
        request = self._open_requests.pop(packet["id"], None)
        if request is None:
            raise BrokenPromise(f"answers nothing that is open: {packet!r}")
        if packet.get("type") not in ("ok", "error"):
            raise BrokenPromise(f"neither ok nor error: {packet!r}")
        packet_schemas.check_reply(request["type"], packet)
        if packet["type"] == "ok" and "key" in request and "room" in request:
            self._hear_ack(request, packet)

    def _hear_ack(self, request: Packet, packet: Packet) -> None:
        """Check an acknowledgement, which stands in place of the own event; a duplicate shows an old number."""
        if request["type"] == "room.join":
            self._left.discard(request["room"])
        if "seq" in packet and "duplicate" not in packet:
            self._advance(request["room"], packet["seq"], packet)

    def _hear_events(self, packet: Packet) -> None:
        room, events = packet["room"], packet["events"]
        if room in self._left:
            raise BrokenPromise(f"event after gone: {packet!r}")
        for event in events:
            self._advance(room, event["seq"], packet)
        if events[-1]["seq"] - events[0]["seq"] + 1 != len(events):
            raise BrokenPromise(f"not contiguous: {packet!r}")

    def _advance(self, room: str, seq: int, packet: Packet) -> None:
        if seq <= self._applied.get(room, 0) or seq < self._heads.get(room, 0):
            raise BrokenPromise(f"{room} went back from {self._heads[room]} to {seq}: {packet!r}")
        self._applied[room] = self._heads[room] = seq

    def _hear_heads(self, packet: Packet) -> None:
        for head in packet["rooms"]:
            if head["room"] in self._left:
                raise BrokenPromise(f"head after gone: {packet!r}")
            if head["seq"] < self._heads.get(head["room"], 0):
                raise BrokenPromise(f"{head['room']} went back: {packet!r}")
            self._heads[head["room"]] = head["seq"]

    def _hear_room(self, packet: Packet) -> None:
        self._left.discard(packet["summary"]["room"])

    def _hear_gone(self, packet: Packet) -> None:
        self._left.add(packet["room"])

    def _hear_bye(self, packet: Packet) -> None:
        self._said_bye = True
