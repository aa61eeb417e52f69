"""The positions of the rooms of one connection by its packets: a hole between two of them is a broken promise."""

from collections.abc import Collection, Iterator

from tests.simulation.history import Conversation, Packet


class Positions:
    """The rooms whose state this connection was sent, in `at`, with the last number of each.

    A room that a `head` names may have skipped events. An acknowledgement may overtake events that are withheld while
    the connection lags; then a head has to name the room before its events go on.
    """

    def __init__(self, said: Conversation, channels: Collection[str] = ()) -> None:
        self._said = said
        # Of these a connection is shown the heads, and what its user does on other devices.
        self._channels = channels
        self._requests = {asked.packet["id"]: asked.packet for asked in said.asked if "id" in asked.packet}
        self._told: set[str] = set()
        self._shown: dict[str, int] = {}
        # By room, its position before an acknowledgement went ahead.
        self._owed: dict[str, int] = {}

    def gaps(self) -> Iterator[str]:
        """Yield the holes, as sentences."""
        for received in self._said.received:
            packet = received.packet
            if packet["type"] == "event":
                yield from self._event(packet)
            elif packet["type"] == "gone":
                self._forget(packet["room"])
            elif "id" in packet:
                self._reply(self._requests.get(packet["id"], {}), packet)
            for room in packet.get("sync", packet).get("gone", ()):
                self._forget(room)
            for summary in summaries(packet):
                self._summary(summary["room"], summary["seq"])

    def _event(self, packet: Packet) -> Iterator[str]:
        room, events = packet["room"], packet["events"]
        before = self._owed.get(room, self._shown.get(room, 0))
        if room in self._told and room not in self._channels and events[0]["seq"] > before + 1:
            yield f"{self._said.client}: {room} goes on with {events[0]['seq']} after {before}"
        self._show(room, events[-1]["seq"])

    def _reply(self, request: Packet, reply: Packet) -> None:
        if request.get("type") == "hello" and reply["type"] == "ok":
            if request.get("epoch") == reply["epoch"] and "more" not in reply["sync"]:
                # A room that is not listed is where it was.
                for room, seq in self._said.carried.items():
                    self._summary(room, seq)
        elif "key" in request and "seq" in reply and "duplicate" not in reply and "room" in request:
            room, seq = request["room"], reply["seq"]
            before = self._shown.get(room)
            if before is not None and seq > before + 1:
                self._owed.setdefault(room, before)
            self._show(room, seq)

    def _show(self, room: str, seq: int) -> None:
        self._shown[room] = max(self._shown.get(room, 0), seq)

    def _summary(self, room: str, seq: int) -> None:
        self._told.add(room)
        self._show(room, seq)
        if seq >= self._shown[room]:
            self._owed.pop(room, None)

    def _forget(self, room: str) -> None:
        self._told.discard(room)
        self._shown.pop(room, None)
        self._owed.pop(room, None)


def summaries(packet: Packet) -> list[Packet]:
    """Yield the positions of rooms in a packet."""
    if packet["type"] == "head":
        return list(packet["rooms"])
    if packet["type"] == "room":
        return [packet["summary"]]
    page = packet.get("sync", packet)
    is_page = packet["type"] == "ok" and ("cursor" in page or "more" in page) and "members" not in page
    return list(page["rooms"]) if is_page else []
