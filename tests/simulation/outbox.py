"""The mutations of a client in flight: kept, with their keys, until they are answered for good."""

from dataclasses import dataclass

from tests.simulation.frames import encode
from tests.simulation.history import Packet

# protocol.md "Size limits", unless the hello reply says otherwise.
FRAME_BYTES = 65536
BATCH = 64
# The bytes of a request id, in either encoding.
ID_BYTES = 12

# The kind of the event that a mutation makes.
KINDS = {
    "send": "message",
    "forward": "message",
    "edit": "edit",
    "recall": "recall",
    "react": "reaction",
    "pin": "pin",
    "room.update": "settings",
    "room.join": "joined",
    "room.leave": "left",
    "members.add": "joined",
    "members.remove": "removed",
    "members.role": "role",
    "members.silence": "silenced",
    "members.nickname": "nickname",
    "announce": "announcement",
}


@dataclass(slots=True, eq=False)
class Pending:
    """A mutation that waits."""

    packet: Packet
    asked: bool = False
    # The entry is not sent before this time.
    due: float = 0.0


def first_frame(waiting: list[Pending], text: bool, frame_bytes: int) -> list[Pending]:
    """Return the first entries that wait, as many as one frame may hold."""
    size = 0
    for count, pending in enumerate(waiting[:BATCH]):
        size += len(encode(pending.packet, text)) + ID_BYTES
        if size > frame_bytes:
            return waiting[:count]
    return waiting[:BATCH]


def own_event(user: str, request: Packet, reply: Packet) -> Packet:
    """Return the event that an acknowledgement stands for (protocol.md "Positions, gaps and repair")."""
    event = {"seq": reply["seq"], "kind": KINDS[request["type"]], "user": user, "time": reply["time"]}
    return event | ({"key": request["key"]} if KINDS[request["type"]] == "message" else {})
